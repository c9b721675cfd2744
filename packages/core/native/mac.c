/* The calls that only macOS has. */
#include <crt_externs.h>
#include <errno.h>
#include <limits.h>
#include <mach/vm_inherit.h>
#include <stddef.h>
#include <sys/event.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/ucred.h>
#include <sys/un.h>
#include <unistd.h>

#include "exit_watch.h"
#include "guard_process.h"
#include "platform.h"
#include "portable.h"
#include "retry.h"

/* --- The end of a process: a kqueue is a descriptor that can be polled, and its one event is that end --- */

int prepare_watch(struct exit_watch *watch) {
  *watch = (struct exit_watch){.fd = kqueue()};
  if (watch->fd < 0) return -errno;
  sys_set_close_on_exec(watch->fd);
  return 0;
}

static int change(int queue, struct kevent *event) {
  int result;
  RETRY(result, kevent(queue, event, 1, NULL, 0, NULL));
  return result;
}

int begin_watch(struct exit_watch *watch, pid_t pid) {
  if (pid == 0) return sys_close(watch->fd);
  struct kevent event;
  EV_SET(&event, pid, EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT, 0, NULL);
  if (change(watch->fd, &event) >= 0) return watch->fd;
  /*
   * ESRCH: the child has ended, or is about to, and wait4(2) may not know that yet. The descriptor stays readable, so the loop's thread
   * asks until it does.
   */
  EV_SET(&event, 0, EVFILT_USER, EV_ADD | EV_ONESHOT, NOTE_FFNOP, 0, NULL);
  change(watch->fd, &event);
  EV_SET(&event, 0, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
  change(watch->fd, &event);
  return watch->fd;
}

void wait_for_parent(pid_t parent) {
  struct exit_watch watch;
  if (prepare_watch(&watch) != 0) _exit(1);
  struct pollfd entry = {.fd = begin_watch(&watch, parent), .events = POLLIN};
  if (poll_until(&entry, 1, -1) < 0) _exit(1);
  /* The event may come before the system gives the children another parent. */
  while (getppid() == parent) pause_for(1);
}

/* The system has no names for processes. */
void name_guard(void) {}

/*
 * --- The end of a peer. poll(2) of macOS reports it only to a caller that also wants to know of bytes to read, and another thread reads
 * those: so it would return for each of them, or never. ---
 */

void wait_for_peer_end(int fd) {
  int queue = kqueue();
  if (queue < 0) return;
  sys_set_close_on_exec(queue);
  struct kevent event;
  /* EV_CLEAR and the low-water mark: it need not return for every message. */
  EV_SET(&event, fd, EVFILT_READ, EV_ADD | EV_CLEAR, NOTE_LOWAT, INT_MAX, NULL);
  int result = change(queue, &event);
  while (result >= 0 && (result == 0 || (event.flags & EV_EOF) == 0))
    RETRY(result, kevent(queue, NULL, 0, &event, 1, NULL));
  sys_close(queue);
}

/* --- The peer of a local socket: unix(4) --- */

int peer_of(int fd, struct sys_peer *peer) {
  struct xucred who;
  socklen_t length = sizeof(who);
  if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERCRED, &who, &length) < 0) return -errno;
  if (who.cr_version != XUCRED_VERSION || who.cr_ngroups < 1) return -EINVAL;
  *peer = (struct sys_peer){.uid = who.cr_uid, .gid = who.cr_groups[0]};
  length = sizeof(peer->pid);
  return getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, &peer->pid, &length) < 0 ? -errno : 0;
}

/* --- Programs --- */

int inherit_only_map(const struct sys_spawn *spawn, posix_spawn_file_actions_t *actions, short *flags) {
  (void)spawn, (void)actions;
  *flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
  return 0;
}

/* A library cannot name `environ` itself: environ(7). */
char **sys_environment(void) { return *_NSGetEnviron(); }

/* macOS counts bytes here: getrusage(2). */
int64_t sys_peak_bytes(const struct rusage *usage) { return (int64_t)usage->ru_maxrss; }

/* The system keeps no limit on memory: setrlimit(2) takes RLIMIT_AS and RLIMIT_RSS, and nothing enforces them. */
const int memory_resource = -1;

int forbid_new_privileges(void) { return ENOTSUP; }

/* --- Shared memory --- */

/* fstat(2) gives a segment no type. All other descriptors have one. */
bool is_shared_memory(const struct stat *status) { return (status->st_mode & S_IFMT) == 0; }

void keep_from_forks(void *address, size_t length) { minherit(address, length, VM_INHERIT_NONE); }
