/*
 * Calls on pipes that do not block, whatever mode the open file description is in: others who share it can change the mode at any
 * time. They return what read(2) and writev(2) return, or a negative errno: -EOPNOTSUPP if the system cannot do that
 * with this descriptor, and then nothing has happened.
 */
#ifndef AIOPIPE_NOWAIT_H
#define AIOPIPE_NOWAIT_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

/* For pipes of pipe(2). `no_signal`: a pipe without a reader raises no SIGPIPE. */
ssize_t nowait_read(int fd, const struct iovec *part);
ssize_t nowait_write(int fd, const struct iovec *parts, int count, bool no_signal);

/* For any pipe or FIFO, also one that cannot be opened again (another user's, or one whose other side has gone); slower. */
ssize_t splice_read(int fd, const struct iovec *part);
ssize_t splice_write(int fd, const struct iovec *parts, int count);

#endif
