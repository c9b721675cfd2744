/* The answers to native/portable.h on Linux, in place of native/mac.c: see main.mjs. They avoid what macOS lacks, too. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "exit_waiter.h"
#include "guard_process.h"
#include "platform.h"
#include "portable.h"
#include "retry.h"

/* A thread that waits for the child stands for a kqueue. */
int prepare_watch(struct exit_watch *watch) { return prepare_waiter(watch); }

int begin_watch(struct exit_watch *watch, pid_t pid) { return begin_waiter(watch, pid); }

void wait_for_parent(pid_t parent) {
  while (getppid() == parent) pause_for(10);
}

/* The suites know the guard by its name. */
void name_guard(void) { prctl(PR_SET_NAME, "aiopipe-guard"); }

void wait_for_peer_end(int fd) {
  struct pollfd entry = {.fd = fd}; /* POLLHUP needs no mention */
  poll_until(&entry, 1, -1);
}

static int is_of_child(const struct sys_spawn *spawn, int fd) {
  for (size_t i = 0; i < spawn->fd_count; i++)
    if (spawn->fds[2 * i + 1] == fd) return 1;
  return 0;
}

int peer_of(int fd, struct sys_peer *peer) {
  struct ucred who;
  socklen_t length = sizeof(who);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) < 0) return -errno;
  *peer = (struct sys_peer){.pid = who.pid, .uid = who.uid, .gid = who.gid};
  return 0;
}

int inherit_only_map(const struct sys_spawn *spawn, posix_spawn_file_actions_t *actions, short *flags) {
  (void)flags;
  int highest = 2, error = 0;
  for (size_t i = 0; i < spawn->fd_count; i++)
    if (spawn->fds[2 * i + 1] > highest) highest = spawn->fds[2 * i + 1];
  for (int fd = 0; fd <= highest && error == 0; fd++)
    if (!is_of_child(spawn, fd)) error = posix_spawn_file_actions_addclose(actions, fd);
  return error == 0 ? -posix_spawn_file_actions_addclosefrom_np(actions, highest + 1) : -error;
}

char **sys_environment(void) { return environ; }

int64_t sys_peak_bytes(const struct rusage *usage) { return (int64_t)usage->ru_maxrss * 1024; }

const int memory_resource = RLIMIT_DATA;

int forbid_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? errno : 0; }

/* shm_open(3) of Linux makes files of /dev/shm. Their device has no number of a disk. */
bool is_shared_memory(const struct stat *status) { return S_ISREG(status->st_mode) && major(status->st_dev) == 0; }

void keep_from_forks(void *address, size_t length) { madvise(address, length, MADV_DONTFORK); }
