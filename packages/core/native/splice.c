#include "splice.h"

#include <errno.h>

#ifdef __linux__
#include <fcntl.h>
#include <unistd.h>

#include "retry.h"
#include "system.h"

/* What is written at once, at most: as much as an empty pipe holds for sure, so that filling ours can't block. */
#define MOST 4096

/* Copies: unlike the other way round, where the pipe would have our pages. */
ssize_t splice_read(int fd, const struct iovec *part) {
  ssize_t result;
  RETRY(result, vmsplice(fd, part, 1, SPLICE_F_NONBLOCK));
  return result < 0 ? -errno : result;
}

/* A copy in a pipe of our own, and from there as much as there is room for. What is left of it goes with that pipe. */
ssize_t splice_write(int fd, const struct iovec *parts, int count) {
  (void)count; /* a part of the first is enough: the caller goes on with the rest */
  int own[2];
  int error = sys_pipe(own, 0);
  if (error < 0) return error;
  size_t length = parts[0].iov_len < MOST ? parts[0].iov_len : MOST;
  ssize_t result;
  RETRY(result, write(own[1], parts[0].iov_base, length));
  if (result > 0) RETRY(result, splice(own[0], NULL, fd, NULL, (size_t)result, SPLICE_F_NONBLOCK));
  if (result < 0) result = -errno;
  sys_close(own[0]);
  sys_close(own[1]);
  return result;
}

#else

ssize_t splice_read(int fd, const struct iovec *part) {
  (void)fd, (void)part;
  return -EOPNOTSUPP;
}

ssize_t splice_write(int fd, const struct iovec *parts, int count) {
  (void)fd, (void)parts, (void)count;
  return -EOPNOTSUPP;
}
#endif
