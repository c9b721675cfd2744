/* The portable calls cannot do that. Calls in src/fd sets O_NONBLOCK instead. */
#include "nowait.h"

#include <errno.h>

ssize_t nowait_read(int fd, const struct iovec *part) {
  (void)fd, (void)part;
  return -EOPNOTSUPP;
}

ssize_t nowait_write(int fd, const struct iovec *parts, int count, bool no_signal) {
  (void)fd, (void)parts, (void)count, (void)no_signal;
  return -EOPNOTSUPP;
}

ssize_t silent_write(int fd, const struct iovec *parts, int count) {
  (void)fd, (void)parts, (void)count;
  return -EOPNOTSUPP;
}

ssize_t splice_read(int fd, const struct iovec *part) {
  (void)fd, (void)part;
  return -EOPNOTSUPP;
}

ssize_t splice_write(int fd, const struct iovec *parts, int count) {
  (void)fd, (void)parts, (void)count;
  return -EOPNOTSUPP;
}
