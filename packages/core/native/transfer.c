/* The part of system.h that moves bytes. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nowait.h"
#include "platform.h"
#include "retry.h"
#include "system.h"

static ssize_t errno_of(ssize_t result) { return result < 0 ? -errno : result; }

static size_t at_most(size_t length, size_t most) { return length < most ? length : most; }

ssize_t sys_read(int fd, void *bytes, size_t length, enum sys_how how) {
  struct iovec part = {.iov_base = bytes, .iov_len = at_most(length, SYS_MOST_AT_ONCE)};
  ssize_t result;
  switch (how) {
    case SYS_SOCKET:
      RETRY(result, recv(fd, part.iov_base, part.iov_len, MSG_DONTWAIT));
      return errno_of(result);
    case SYS_SHARED:
      return nowait_read(fd, &part);
    case SYS_SPLICED:
      return splice_read(fd, &part);
    default:
      RETRY(result, read(fd, part.iov_base, part.iov_len));
      return errno_of(result);
  }
}

/* Shortens the parts to the most that the system takes in one call. Returns how many are left. */
static int cut(struct iovec *parts, int count) {
  size_t rest = SYS_MOST_AT_ONCE;
  for (int i = 0; i < count; i++) {
    parts[i].iov_len = at_most(parts[i].iov_len, rest);
    rest -= parts[i].iov_len;
    if (rest == 0) return i + 1;
  }
  return count;
}

/*
 * --- SIGPIPE. Node ignores it. But a program that listens to it, and then stops, leaves the default disposition, which ends
 * the process. ---
 */

static bool would_kill(void) {
  struct sigaction action;
  return sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL;
}

static bool is_pending(void) {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE);
}

/* While it is on, no SIGPIPE reaches this thread. The system sends the signal to the thread that writes. */
struct silence {
  bool is_on, was_pending;
  sigset_t before;
};

static struct silence begin_silence(void) {
  struct silence silence = {.is_on = would_kill()};
  if (!silence.is_on) return silence;
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  silence.was_pending = is_pending();
  pthread_sigmask(SIG_BLOCK, &broken_pipe, &silence.before);
  return silence;
}

static ssize_t end_silence(const struct silence *silence, ssize_t result) {
  if (!silence->is_on) return result;
  if (result == -EPIPE && !silence->was_pending) take_broken_pipe_signal();
  pthread_sigmask(SIG_SETMASK, &silence->before, NULL);
  return result;
}

void sys_ignore_broken_pipe_signal(void) {
  if (!would_kill()) return;
  struct sigaction action = {.sa_handler = SIG_IGN};
  sigaction(SIGPIPE, &action, NULL);
}

static ssize_t plain_write(int fd, const struct iovec *parts, int count) {
  ssize_t result;
  if (count == 1) RETRY(result, write(fd, parts[0].iov_base, parts[0].iov_len));
  else RETRY(result, writev(fd, parts, count));
  return errno_of(result);
}

/* False once a system has shown that it does not know RWF_NOSIGNAL. With the flag no call asks for the signal's disposition. */
static atomic_bool can_be_silent = true;

static ssize_t without_signal(int fd, const struct iovec *parts, int count, enum sys_how how) {
  return how == SYS_SHARED ? nowait_write(fd, parts, count, true) : silent_write(fd, parts, count);
}

static ssize_t with_signal(int fd, const struct iovec *parts, int count, enum sys_how how) {
  switch (how) {
    case SYS_SHARED:
      return nowait_write(fd, parts, count, false);
    case SYS_SPLICED:
      return splice_write(fd, parts, count);
    default:
      return plain_write(fd, parts, count);
  }
}

ssize_t sys_write(int fd, struct iovec *parts, int count, enum sys_how how) {
  if (how == SYS_SOCKET) return sys_send_with_fds(fd, parts, count, NULL, 0);
  count = cut(parts, count);
  bool is_silent = how != SYS_SPLICED && atomic_load_explicit(&can_be_silent, memory_order_relaxed);
  if (is_silent) {
    ssize_t result = without_signal(fd, parts, count, how);
    if (result != -EOPNOTSUPP) return result;
  }
  struct silence silence = begin_silence();
  ssize_t result = end_silence(&silence, with_signal(fd, parts, count, how));
  /* The call worked without RWF_NOSIGNAL, so the system does not know that flag. */
  if (is_silent && result >= 0) atomic_store_explicit(&can_be_silent, false, memory_order_relaxed);
  return result;
}

/* --- Sockets --- */

union control {
  struct cmsghdr header;
  char space[CMSG_SPACE(sizeof(int) * SYS_MAX_PASSED_FDS)];
};

static ssize_t send_message(int fd, const struct msghdr *message) {
  const struct iovec *first = message->msg_iov;
  ssize_t result;
  /* One part needs no message header, which the system would have to read first. */
  if (message->msg_iovlen == 1 && message->msg_controllen == 0)
    RETRY(result, send(fd, first->iov_base, first->iov_len, MSG_DONTWAIT | send_flags));
  else RETRY(result, sendmsg(fd, message, MSG_DONTWAIT | send_flags));
  return errno_of(result);
}

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
    struct cmsghdr *header = &control.header;
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(header), passed, size);
  }
  if (send_flags != 0) return send_message(fd, &message);
  struct silence silence = begin_silence();
  return end_silence(&silence, send_message(fd, &message));
}

ssize_t sys_receive_with_fds(int fd, void *bytes, size_t length, int *passed, int *passed_count) {
  union control control;
  struct iovec part = {.iov_base = bytes, .iov_len = at_most(length, SYS_MOST_AT_ONCE)};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space)};

  *passed_count = 0;
  ssize_t result;
  RETRY(result, recvmsg(fd, &message, MSG_DONTWAIT | receive_flags));
  if (result < 0) return -errno;

  int count = 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int came = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(passed + count, CMSG_DATA(header), sizeof(int) * (size_t)came);
    count += came;
  }
  for (int i = 0; receive_flags == 0 && i < count; i++) sys_set_close_on_exec(passed[i]);
  if (message.msg_flags & MSG_CTRUNC) {
    for (int i = 0; i < count; i++) sys_close(passed[i]);
    count = -1;
  }
  *passed_count = count;
  return result;
}
