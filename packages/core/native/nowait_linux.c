#include "nowait.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "retry.h"
#include "system.h"

/* Older C libraries than the kernel lack these. */
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x8 /* pipes take it since Linux 6.4 */
#endif
#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x100 /* Linux 6.18 */
#endif

/* An old kernel lacks the call, and a filter of system calls that does not know it returns EPERM. */
static ssize_t error_of_call(void) { return errno == ENOSYS || errno == EPERM ? -EOPNOTSUPP : -errno; }

static ssize_t with_flags(long call, int fd, const struct iovec *parts, int count, int flags) {
  ssize_t result;
  /* Called by number: our oldest C libraries lack the functions, or their last argument. -1 means the file's own position. */
  RETRY(result, syscall(call, fd, parts, (long)count, -1L, -1L, flags));
  return result < 0 ? error_of_call() : result;
}

ssize_t nowait_read(int fd, const struct iovec *part) { return with_flags(SYS_preadv2, fd, part, 1, RWF_NOWAIT); }

ssize_t nowait_write(int fd, const struct iovec *parts, int count, bool no_signal) {
  return with_flags(SYS_pwritev2, fd, parts, count, RWF_NOWAIT | (no_signal ? RWF_NOSIGNAL : 0));
}

ssize_t silent_write(int fd, const struct iovec *parts, int count) {
  return with_flags(SYS_pwritev2, fd, parts, count, RWF_NOSIGNAL);
}

/* An empty pipe holds at least one page, so a write of this size to it cannot block. */
#define MOST 4096

/* This direction copies. The other one would put our pages into the pipe, where later writes to them would be seen. */
ssize_t splice_read(int fd, const struct iovec *part) {
  ssize_t result;
  RETRY(result, vmsplice(fd, part, 1, SPLICE_F_NONBLOCK));
  return result < 0 ? error_of_call() : result;
}

/* Copies into a pipe of our own, and moves as much as fits from there. The rest of the copy goes with that pipe. */
ssize_t splice_write(int fd, const struct iovec *parts, int count) {
  (void)count; /* a piece of the first part is enough: the caller writes the rest later */
  int own[2];
  int error = sys_pipe(own, 0);
  if (error < 0) return error;
  size_t length = parts[0].iov_len < MOST ? parts[0].iov_len : MOST;
  ssize_t result;
  RETRY(result, write(own[1], parts[0].iov_base, length));
  if (result > 0) RETRY(result, splice(own[0], NULL, fd, NULL, (size_t)result, SPLICE_F_NONBLOCK));
  if (result < 0) result = error_of_call();
  sys_close(own[0]);
  sys_close(own[1]);
  return result;
}
