/* The part of system.h for descriptors that is the same on all systems. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "platform.h"
#include "retry.h"
#include "system.h"

static int64_t milliseconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int poll_until(struct pollfd *entries, nfds_t count, int milliseconds) {
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

int sys_set_buffers(int fd, int size) {
  if (size <= 0) return 0;
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0 &&
      setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == 0)
    return 0;
  /* If Linux allows less (net.core.wmem_max), it uses its limit and reports no error. macOS reports ENOBUFS (kern.ipc.maxsockbuf). */
  return errno == ENOBUFS ? 0 : -errno;
}

int sys_socketpair(int fds[2], int buffer_size) {
  int error = make_socket_pair(fds);
  if (error != 0) return error;
  for (int i = 0; i < 2 && error == 0; i++) error = sys_set_buffers(fds[i], buffer_size);
  for (int i = 0; i < 2 && error != 0; i++) sys_close(fds[i]);
  return error;
}

int sys_close(int fd) {
  /* Not repeated after EINTR: on Linux the descriptor is closed then, and another thread may have got the number (close(2)). */
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
    /* A peer that waits for room gets no event for the shutdown, only for room. Reading makes room. */
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

int sys_fd_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
  return limit.rlim_cur > INT_MAX ? INT_MAX : (int)limit.rlim_cur;
}

int sys_any_readable(const int *fds, int count) {
  struct pollfd entries[SYS_MOST_WATCHED];
  for (int i = 0; i < count; i++) entries[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
  return poll(entries, (nfds_t)count, 0) > 0; /* after EINTR it has found nothing */
}

void sys_yield(void) { sched_yield(); }

int sys_wait_writable(int fd, int milliseconds) {
  struct pollfd entry = {.fd = fd, .events = POLLOUT};
  return poll_until(&entry, 1, milliseconds);
}
