/*
 * Preloaded into a program, makes the reads and writes of our binding move fewer bytes than they could, or none: they are
 * interrupted, or would block. A system may do all of that at any time. Only calls that come from a
 * binding are changed, because libuv relies on whole reads and writes of its own small pipes. A pipe takes and gives up to
 * PIPE_BUF bytes in one piece: pipe(7).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_PARTS 64

static __thread uint64_t state;
/* Not on the stack, because some threads have a small one. */
static __thread struct iovec shorter_parts[MOST_PARTS];
static pid_t own;

__attribute__((constructor)) static void begin(void) { own = getpid(); }

static uint64_t chance(void) {
  if (state == 0) {
    const char *seed = getenv("AIOPIPE_SHORT_CALLS");
    state = (seed == NULL ? 1 : strtoull(seed, NULL, 10)) * 0x9e3779b97f4a7c15u + (uint64_t)getpid();
  }
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state >> 11;
}

static bool is_binding(const void *caller) {
  Dl_info info;
  /* Forks share our locks or memory: dladdr() is not for them. */
  if (getpid() != own) return false;
  if (dladdr(caller, &info) == 0 || info.dli_fname == NULL) return false;
  size_t length = strlen(info.dli_fname);
  return length > 5 && strcmp(info.dli_fname + length - 5, ".node") == 0;
}

/* Whether the call fails. `may_block`: it may say that it would. */
static bool fails(bool may_block) {
  uint64_t kind = chance() % 20;
  if (kind == 0) errno = EINTR;
  else if (kind == 1 && may_block) errno = EAGAIN;
  else return false;
  return true;
}

static size_t shorter(size_t length) {
  return length < 2 || chance() % 3 != 0 ? length : 1 + chance() % (chance() % 2 == 0 ? 8 : length) % length;
}

static bool is_nonblocking(int fd) { return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0; }

#define REAL(call) \
  static __typeof__(&call) real; \
  if (real == NULL) real = (__typeof__(&call))dlsym(RTLD_NEXT, #call); \
  bool is_ours = is_binding(__builtin_return_address(0))

static size_t length_of(const struct iovec *parts, int count) {
  size_t total = 0;
  for (int i = 0; i < count; i++) total += parts[i].iov_len;
  return total;
}

/* Shortens the parts into `shorter_parts`. Returns how many there are. */
static int cut(const struct iovec *parts, int count) {
  size_t rest = shorter(length_of(parts, count));
  int used = 0;
  for (; used < count && used < MOST_PARTS && (rest > 0 || used == 0); used++) {
    shorter_parts[used] = parts[used];
    if (shorter_parts[used].iov_len > rest) shorter_parts[used].iov_len = rest;
    rest -= shorter_parts[used].iov_len;
  }
  return used;
}

ssize_t read(int fd, void *bytes, size_t length) {
  REAL(read);
  if (!is_ours) return real(fd, bytes, length);
  return fails(is_nonblocking(fd)) ? -1 : real(fd, bytes, length <= PIPE_BUF ? length : shorter(length));
}

ssize_t write(int fd, const void *bytes, size_t length) {
  REAL(write);
  if (!is_ours) return real(fd, bytes, length);
  if (length <= PIPE_BUF) return fails(false) ? -1 : real(fd, bytes, length);
  return fails(is_nonblocking(fd)) ? -1 : real(fd, bytes, shorter(length));
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(writev);
  if (!is_ours) return real(fd, parts, count);
  if (fails(is_nonblocking(fd))) return -1;
  return real(fd, shorter_parts, cut(parts, count));
}

ssize_t recv(int fd, void *bytes, size_t length, int flags) {
  REAL(recv);
  if (!is_ours) return real(fd, bytes, length, flags);
  return fails((flags & MSG_DONTWAIT) != 0) ? -1 : real(fd, bytes, shorter(length), flags);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
  REAL(send);
  if (!is_ours) return real(fd, bytes, length, flags);
  return fails((flags & MSG_DONTWAIT) != 0) ? -1 : real(fd, bytes, shorter(length), flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  REAL(recvmsg);
  if (!is_ours) return real(fd, message, flags);
  if (fails((flags & MSG_DONTWAIT) != 0)) return -1;
  struct iovec *whole = message->msg_iov;
  size_t count = message->msg_iovlen;
  message->msg_iovlen = (size_t)cut(whole, (int)count);
  message->msg_iov = shorter_parts;
  ssize_t result = real(fd, message, flags);
  message->msg_iov = whole;
  message->msg_iovlen = count;
  return result;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  REAL(sendmsg);
  if (!is_ours) return real(fd, message, flags);
  if (fails((flags & MSG_DONTWAIT) != 0)) return -1;
  struct msghdr some = *message;
  some.msg_iovlen = (size_t)cut(message->msg_iov, (int)message->msg_iovlen);
  some.msg_iov = shorter_parts;
  return real(fd, &some, flags);
}

/* preadv2 and pwritev2, which the binding calls by number. */
long syscall(long number, ...) {
  REAL(syscall);
  va_list arguments;
  va_start(arguments, number);
  long given[6];
  for (int i = 0; i < 6; i++) given[i] = va_arg(arguments, long);
  va_end(arguments);
  if (is_ours && (number == SYS_preadv2 || number == SYS_pwritev2)) {
    const struct iovec *parts = (const struct iovec *)given[1];
    bool is_small = length_of(parts, (int)given[2]) <= PIPE_BUF;
    if (fails((given[5] & RWF_NOWAIT) != 0 || (!is_small && is_nonblocking((int)given[0])))) return -1;
    if (!is_small) {
      given[2] = cut(parts, (int)given[2]);
      given[1] = (long)shorter_parts;
    }
  }
  return real(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}
