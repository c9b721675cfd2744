/*
 * Pipes whose open file description others have, too, on systems that can't be asked call by call not to block, and that
 * can't be opened again (a FIFO of another user, or one whose other side has gone): splice(2) has a flag of its own.
 */
#ifndef AIOPIPE_SPLICE_H
#define AIOPIPE_SPLICE_H

#include <sys/types.h>
#include <sys/uio.h>

/* As read(2) and writev(2), with a negative errno. */
ssize_t splice_read(int fd, const struct iovec *part);
ssize_t splice_write(int fd, const struct iovec *parts, int count);

#endif
