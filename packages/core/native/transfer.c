/* The part of system.h that moves bytes. */
#include <errno.h>
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

/* Without the flags, only O_NONBLOCK keeps a call from blocking. Each process that shares the description can clear it at any time. */
static bool could_block(int fd) { return send_flags == 0 && sys_is_nonblocking(fd) == 0; }

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
      if (could_block(fd)) return -EOPNOTSUPP;
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
 * Node ignores SIGPIPE. But a program that listens to it, and then stops, leaves the default disposition, which ends the process. To block
 * the signal in this thread would not be enough: macOS sends it to the process.
 */
void sys_ignore_broken_pipe_signal(void) {
  struct sigaction action;
  if (sigaction(SIGPIPE, NULL, &action) != 0 || action.sa_handler != SIG_DFL) return;
  action = (struct sigaction){.sa_handler = SIG_IGN};
  sigaction(SIGPIPE, &action, NULL);
}

static ssize_t plain_write(int fd, const struct iovec *parts, int count) {
  ssize_t result;
  if (could_block(fd)) return -EOPNOTSUPP;
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
  sys_ignore_broken_pipe_signal();
  ssize_t result = with_signal(fd, parts, count, how);
  /* The call worked without RWF_NOSIGNAL, so the system does not know that flag. */
  if (is_silent && result >= 0) atomic_store_explicit(&can_be_silent, false, memory_order_relaxed);
  return result;
}

/* --- Sockets --- */

union sent {
  struct cmsghdr header;
  char space[CMSG_SPACE(sizeof(int) * SYS_MAX_PASSED_FDS)];
};

/* macOS takes one more of a sender. It would leave the descriptors that find no room here open in this process, without a number. */
#define MAX_RECEIVED_FDS 254

union received {
  struct cmsghdr header;
  char space[CMSG_SPACE(sizeof(int) * MAX_RECEIVED_FDS)];
};

static ssize_t send_message(int fd, const struct msghdr *message) {
  const struct iovec *first = message->msg_iov;
  ssize_t result;
  if (send_flags == 0) {
    /* A send of no bytes, which asks for the state of the peer, never waits. */
    bool is_empty = message->msg_iovlen == 1 && first->iov_len == 0;
    if (!is_empty && could_block(fd)) return -EOPNOTSUPP;
    sys_ignore_broken_pipe_signal();
  }
  /* One part needs no message header, which the system would have to read first. */
  if (message->msg_iovlen == 1 && message->msg_controllen == 0)
    RETRY(result, send(fd, first->iov_base, first->iov_len, send_flags));
  else RETRY(result, send_with_headers(fd, message));
  return errno_of(result);
}

ssize_t sys_send_with_fds(int fd, struct iovec *parts, int count, const int *passed, int passed_count) {
  union sent control;
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
  return send_message(fd, &message);
}

ssize_t sys_receive_with_fds(int fd, void *bytes, size_t length, int *passed, int *passed_count) {
  union received control;
  struct iovec part = {.iov_base = bytes, .iov_len = at_most(length, SYS_MOST_AT_ONCE)};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space)};

  *passed_count = 0;
  ssize_t result;
  RETRY(result, recvmsg(fd, &message, MSG_DONTWAIT | receive_flags));
  /* macOS reports the limit of open files so, and has closed the descriptors. */
  if (result < 0) return errno == EMSGSIZE ? -EMFILE : -errno;

  int came[MAX_RECEIVED_FDS], count = 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t size = header->cmsg_len - CMSG_LEN(0);
    memcpy(came + count, CMSG_DATA(header), size);
    count += (int)(size / sizeof(int));
  }
  if ((message.msg_flags & MSG_CTRUNC) || count > SYS_MAX_PASSED_FDS) {
    for (int i = 0; i < count; i++) sys_close(came[i]);
    *passed_count = -1;
    return result;
  }
  for (int i = 0; receive_flags == 0 && i < count; i++) sys_set_close_on_exec(came[i]);
  memcpy(passed, came, sizeof(int) * (size_t)count);
  *passed_count = count;
  return result;
}
