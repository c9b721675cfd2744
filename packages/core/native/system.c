#include "retry.h"
#include "system.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/sysmacros.h>
#endif

static int64_t milliseconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* As poll(2), with a negative errno. Signals that interrupt it do not make it longer: a profiler's come every millisecond. */
static int poll_for(struct pollfd *entries, nfds_t count, int milliseconds) {
  int64_t deadline = milliseconds_now() + milliseconds;
  for (;;) {
    int result = poll(entries, count, milliseconds);
    if (result >= 0) return result;
    if (errno != EINTR) return -errno;
    if (milliseconds < 0) continue;
    int64_t rest = deadline - milliseconds_now();
    milliseconds = rest > 0 ? (int)rest : 0;
  }
}

static int add_fd_flag(int fd, int get, int set, int flag, int on) {
  int flags;
  RETRY(flags, fcntl(fd, get));
  if (flags < 0) return -errno;
  int wanted = on ? flags | flag : flags & ~flag;
  if (wanted == flags) return 0;
  int result;
  RETRY(result, fcntl(fd, set, wanted));
  return result < 0 ? -errno : 0;
}

int sys_set_nonblocking(int fd, int on) { return add_fd_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on); }

int sys_set_close_on_exec(int fd) { return add_fd_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, 1); }

static int close_both(int fds[2], int error) {
  sys_close(fds[0]);
  sys_close(fds[1]);
  return error;
}

int sys_pipe(int fds[2], int capacity) {
#ifdef __linux__
  if (pipe2(fds, O_CLOEXEC) < 0) return -errno;
  if (capacity > 0 && fcntl(fds[1], F_SETPIPE_SZ, capacity) < 0) return close_both(fds, -errno);
#else
  /* macOS has no pipe2, and its pipes grow by themselves: `capacity` has no call to go to. */
  (void)capacity;
  if (pipe(fds) < 0) return -errno;
  sys_set_close_on_exec(fds[0]);
  sys_set_close_on_exec(fds[1]);
#endif
  return 0;
}

int sys_socketpair(int fds[2], int buffer_size) {
#ifdef __linux__
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) return -errno;
#else
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0) return -errno;
  for (int i = 0; i < 2; i++) {
    int on = 1;
    sys_set_close_on_exec(fds[i]);
    setsockopt(fds[i], SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
  }
#endif
  /* The kernel takes less than asked for without an error (net.core.wmem_max), which is as good as it gets. */
  for (int i = 0; buffer_size > 0 && i < 2; i++) {
    if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &buffer_size, sizeof(buffer_size)) < 0 ||
        setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &buffer_size, sizeof(buffer_size)) < 0)
      return close_both(fds, -errno);
  }
  return 0;
}

int sys_close(int fd) {
  /* Not retried at EINTR: on Linux the descriptor is gone then, and the number may be a stranger's (close(2)). */
  if (close(fd) < 0 && errno != EINTR) return -errno;
  return 0;
}

int sys_duplicate(int fd) {
  int result;
  RETRY(result, fcntl(fd, F_DUPFD_CLOEXEC, 3));
  return result < 0 ? -errno : result;
}

int sys_shutdown(int fd, int how) {
  if (shutdown(fd, how) < 0) return -errno;
  if (how == SHUT_RD) {
    /* A peer that waits for room hears of it only once there is some (unix(7) has no event for it): make some. */
    char unread[4096];
    while (recv(fd, unread, sizeof(unread), MSG_DONTWAIT) > 0) continue;
  }
  return 0;
}

int sys_is_nonblocking(int fd) {
  int flags;
  RETRY(flags, fcntl(fd, F_GETFL));
  return flags < 0 ? -errno : (flags & O_NONBLOCK) != 0;
}

static int socket_option(int fd, int option) {
  int value = 0;
  socklen_t length = sizeof(value);
  return getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 ? value : 0;
}

static int describe_socket(int fd) {
  struct sockaddr_storage address = {0};
  socklen_t length = sizeof(address);
  int is_local = getsockname(fd, (struct sockaddr *)&address, &length) == 0 && address.ss_family == AF_UNIX;
  int kind = socket_option(fd, SO_TYPE) != SOCK_STREAM ? SYS_KIND_DATAGRAM
             : socket_option(fd, SO_ACCEPTCONN)        ? SYS_KIND_LISTENER
                                                       : SYS_KIND_SOCKET;
  return kind | (is_local ? SYS_IS_LOCAL : 0);
}

int sys_describe(int fd) {
  struct stat status;
  if (fstat(fd, &status) < 0) return -errno;
  int flags;
  RETRY(flags, fcntl(fd, F_GETFL));
  if (flags < 0) return -errno;

  int what;
  if (S_ISFIFO(status.st_mode)) what = SYS_KIND_PIPE;
  else if (S_ISSOCK(status.st_mode)) what = describe_socket(fd);
  else if (S_ISCHR(status.st_mode)) what = isatty(fd) ? SYS_KIND_TERMINAL : SYS_KIND_FILE;
  else if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISBLK(status.st_mode)) what = SYS_KIND_FILE;
  else what = SYS_KIND_POLLABLE;

  int access = flags & O_ACCMODE;
  if (access == O_RDONLY || access == O_RDWR) what |= SYS_CAN_READ;
  if (access == O_WRONLY || access == O_RDWR) what |= SYS_CAN_WRITE;
  if (flags & O_NONBLOCK) what |= SYS_IS_NONBLOCKING;
  return what;
}

#ifdef __linux__
/*
 * A FIFO without a writer that is opened to be read says nothing of its end until one has come and gone, since it may
 * only be too early for one. Whether it has ended, only the old description can tell then.
 */
static bool has_ended(int fd) {
  struct pollfd entry = {.fd = fd, .events = POLLIN};
  return poll_for(&entry, 1, 0) > 0 && (entry.revents & POLLHUP) != 0;
}
#endif

int sys_reopen_nonblocking(int fd, int for_writing) {
#ifdef __linux__
  /* Opening the multiplexer makes another terminal (pts(4)). */
  struct stat status;
  if (fstat(fd, &status) < 0) return -errno;
  if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(5, 2)) return -ENOTSUP;

  char path[32];
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  int own;
  RETRY(own, open(path, (for_writing ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (own < 0) return -errno;
  int result;
  if (!for_writing && S_ISFIFO(status.st_mode) && has_ended(fd)) result = -ENOTSUP;
  else result = dup3(own, fd, O_CLOEXEC) < 0 ? -errno : 0;
  sys_close(own);
  return result;
#else
  /* macOS: /dev/fd/N is a dup, which shares the description. */
  (void)fd;
  (void)for_writing;
  return -ENOTSUP;
#endif
}

int sys_fd_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
  return limit.rlim_cur > INT_MAX ? INT_MAX : (int)limit.rlim_cur;
}

int sys_any_readable(const int *fds, int count) {
  struct pollfd entries[8];
  for (int i = 0; i < count; i++) entries[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
  return poll(entries, (nfds_t)count, 0) > 0; /* an interrupted one has looked in vain */
}

void sys_yield(void) { sched_yield(); }

int sys_wait_writable(int fd, int milliseconds) {
  struct pollfd entry = {.fd = fd, .events = POLLOUT};
  return poll_for(&entry, 1, milliseconds);
}

int sys_reap(pid_t pid, int *status, struct rusage *usage) {
  pid_t result;
  RETRY(result, wait4(pid, status, WNOHANG, usage));
  if (result < 0) return -errno;
  return result == pid;
}

int sys_kill(pid_t pid, int signal) { return kill(pid, signal) < 0 ? -errno : 0; }

void sys_ignore_broken_pipe_signal(void) {
  struct sigaction action;
  if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
  }
}

/* --- Threads of our own --- */

/* It must never be the one that a signal handler of the runtime runs on. */
int sys_start_thread(void *(*run)(void *), void *argument) {
  /* The runtime unloads us with the last of its threads that has loaded us; this one may live longer. */
  Dl_info us;
  if (dladdr((void *)(intptr_t)sys_start_thread, &us) == 0 || dlopen(us.dli_fname, RTLD_NOW | RTLD_NODELETE) == NULL)
    return -ENOMEM;

  sigset_t all, before;
  sigfillset(&all);
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN > 65536 ? PTHREAD_STACK_MIN : 65536);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&thread, &attributes, run, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return -error;
}

static void *reap(void *argument) {
  int status;
  while (waitpid((pid_t)(intptr_t)argument, &status, 0) < 0 && errno == EINTR) continue;
  return NULL;
}

void sys_reap_later(pid_t pid) { sys_start_thread(reap, (void *)(intptr_t)pid); }

static atomic_bool is_watching;
static atomic_int lifeline_grace;

static void *watch_lifeline(void *argument) {
  int fd = (int)(intptr_t)argument;
#ifdef __linux__
  struct pollfd entry = {.fd = fd, .events = POLLRDHUP};
#else
  struct pollfd entry = {.fd = fd, .events = 0}; /* macOS reports POLLHUP unasked */
#endif
  poll_for(&entry, 1, -1);
  int leads_group = getpgrp() == getpid();
  int grace = atomic_load(&lifeline_grace);
  if (grace > 0) {
    kill(leads_group ? 0 : getpid(), SIGTERM);
    poll_for(NULL, 0, grace);
  }
  if (leads_group) kill(0, SIGKILL);
  _exit(1);
}

int sys_watch_lifeline(int fd, int grace) {
  atomic_store(&lifeline_grace, grace);
  if (atomic_exchange(&is_watching, true)) return 0;
  int own = sys_duplicate(fd);
  int error = own < 0 ? own : sys_start_thread(watch_lifeline, (void *)(intptr_t)own);
  if (error == 0) return 0;
  if (own >= 0) sys_close(own);
  atomic_store(&is_watching, false);
  return error;
}

static atomic_int process_mark;

int sys_process_mark(int mark) {
  if (mark >= 0) atomic_store(&process_mark, mark);
  return atomic_load(&process_mark);
}
