/* The part of system.h that moves bytes. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "retry.h"
#include "splice.h"
#include "system.h"

#ifdef __linux__
#include <sys/syscall.h>
#endif

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x8
#endif
#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x100 /* Linux 6.18 */
#endif
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* macOS: SO_NOSIGPIPE on the socket instead */
#endif
#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0 /* macOS: set on each descriptor below */
#endif

static ssize_t errno_of(ssize_t result) { return result < 0 ? -errno : result; }

static ssize_t with_flags(int fd, const struct iovec *parts, int count, int flags, bool is_write) {
#ifdef __linux__
  ssize_t result;
  /* By number: the C libraries that we are built for lack the functions, or their last argument. */
  RETRY(result, syscall(is_write ? SYS_pwritev2 : SYS_preadv2, fd, parts, (long)count, -1L, -1L, flags));
  /* A system without the call, or a sandbox that does not know it. */
  if (result < 0 && (errno == ENOSYS || errno == EPERM)) return -EOPNOTSUPP;
  return errno_of(result);
#else
  (void)fd, (void)parts, (void)count, (void)flags, (void)is_write;
  return -EOPNOTSUPP;
#endif
}

static size_t at_most(size_t length, size_t most) { return length < most ? length : most; }

ssize_t sys_read(int fd, void *bytes, size_t length, enum sys_how how) {
  struct iovec part = {.iov_base = bytes, .iov_len = at_most(length, SYS_MOST_AT_ONCE)};
  ssize_t result;
  switch (how) {
    case SYS_SOCKET:
      RETRY(result, recv(fd, part.iov_base, part.iov_len, MSG_DONTWAIT));
      return errno_of(result);
    case SYS_SHARED:
      return with_flags(fd, &part, 1, RWF_NOWAIT, false);
    case SYS_SPLICED:
      return splice_read(fd, &part);
    default:
      RETRY(result, read(fd, part.iov_base, part.iov_len));
      return errno_of(result);
  }
}

/* What the system takes of them in one call, however long they are. */
static int cut(struct iovec *parts, int count) {
  size_t rest = SYS_MOST_AT_ONCE;
  for (int i = 0; i < count; i++) {
    parts[i].iov_len = at_most(parts[i].iov_len, rest);
    rest -= parts[i].iov_len;
    if (rest == 0) return i + 1;
  }
  return count;
}

/* --- SIGPIPE: Node ignores it, but what has listened to it and stopped leaves it at its default, which is death --- */

/* RWF_NOSIGNAL, or 0 once the system was found not to know it. */
static atomic_int no_signal = RWF_NOSIGNAL;

static bool would_kill(void) {
  struct sigaction action;
  return sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL;
}

static bool is_pending(void) {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE);
}

/* Takes the signal of a write of ours, which this thread alone gets. */
static void take_signal(const sigset_t *broken_pipe) {
#ifdef __APPLE__
  int signal;
  if (is_pending()) sigwait(broken_pipe, &signal);
#else
  struct timespec none = {0};
  while (sigtimedwait(broken_pipe, NULL, &none) < 0 && errno == EINTR) continue;
#endif
}

typedef ssize_t write_call(int fd, const struct iovec *parts, int count);

static ssize_t without_signal(write_call *call, int fd, const struct iovec *parts, int count) {
  if (!would_kill()) return call(fd, parts, count);
  sigset_t broken_pipe, before;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  bool was_pending = is_pending();
  pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  ssize_t result = call(fd, parts, count);
  if (result == -EPIPE && !was_pending) take_signal(&broken_pipe);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return result;
}

static ssize_t plain_write(int fd, const struct iovec *parts, int count) {
  ssize_t result;
  if (count == 1) RETRY(result, write(fd, parts[0].iov_base, parts[0].iov_len));
  else RETRY(result, writev(fd, parts, count));
  return errno_of(result);
}

static ssize_t write_nowait(int fd, const struct iovec *parts, int count) {
  return with_flags(fd, parts, count, RWF_NOWAIT, true);
}

static ssize_t write_shared(int fd, const struct iovec *parts, int count) {
  int flag = atomic_load_explicit(&no_signal, memory_order_relaxed);
  if (flag != 0) {
    ssize_t result = with_flags(fd, parts, count, RWF_NOWAIT | flag, true);
    if (result != -EOPNOTSUPP) return result;
  }
  ssize_t result = without_signal(write_nowait, fd, parts, count);
  /* So it was that flag which the system did not know. */
  if (flag != 0 && result >= 0) atomic_store_explicit(&no_signal, 0, memory_order_relaxed);
  return result;
}

ssize_t sys_write(int fd, struct iovec *parts, int count, enum sys_how how) {
  switch (how) {
    case SYS_SOCKET:
      return sys_send_with_fds(fd, parts, count, NULL, 0);
    case SYS_SPLICED:
      return without_signal(splice_write, fd, parts, cut(parts, count));
    case SYS_SHARED:
      return write_shared(fd, parts, cut(parts, count));
    default:
      return without_signal(plain_write, fd, parts, cut(parts, count));
  }
}

/* --- Sockets --- */

union control {
  struct cmsghdr header;
  char space[CMSG_SPACE(sizeof(int) * SYS_MAX_PASSED_FDS)];
};

ssize_t sys_send_with_fds(int fd, struct iovec *parts, int count, const int *passed, int passed_count) {
  union control control;
  count = cut(parts, count);
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};

  if (passed_count > 0) {
    if (passed_count > SYS_MAX_PASSED_FDS) return -EINVAL;
    size_t size = sizeof(int) * (size_t)passed_count;
    message.msg_control = control.space;
    message.msg_controllen = CMSG_SPACE(size);
    memset(control.space, 0, message.msg_controllen);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(header), passed, size);
  }
  ssize_t result;
  if (count == 1 && passed_count == 0) RETRY(result, send(fd, parts[0].iov_base, parts[0].iov_len, MSG_DONTWAIT | MSG_NOSIGNAL));
  else RETRY(result, sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
  return errno_of(result);
}

ssize_t sys_receive_with_fds(int fd, void *bytes, size_t length, int *passed, int *passed_count) {
  union control control;
  struct iovec part = {.iov_base = bytes, .iov_len = at_most(length, SYS_MOST_AT_ONCE)};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space)};

  *passed_count = 0;
  ssize_t result;
  RETRY(result, recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  if (result < 0) return -errno;

  int count = 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int came = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(passed + count, CMSG_DATA(header), sizeof(int) * (size_t)came);
    count += came;
  }
#ifndef __linux__
  for (int i = 0; i < count; i++) sys_set_close_on_exec(passed[i]);
#endif
  if (message.msg_flags & MSG_CTRUNC) {
    for (int i = 0; i < count; i++) sys_close(passed[i]);
    count = -1;
  }
  *passed_count = count;
  return result;
}
