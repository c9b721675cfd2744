/*
 * Calls on pipes that never block, in any mode of the open file description: every process that shares it can change the mode at any
 * time. They return the result of read(2) or writev(2), or a negative errno. -EOPNOTSUPP means that the system cannot do that with this
 * descriptor, and that nothing has happened.
 */
#ifndef AIOPIPE_NOWAIT_H
#define AIOPIPE_NOWAIT_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

/* They work on pipes of pipe(2). If `no_signal` is set, a pipe without a reader raises no SIGPIPE. */
ssize_t nowait_read(int fd, const struct iovec *part);
ssize_t nowait_write(int fd, const struct iovec *parts, int count, bool no_signal);

/* Does what writev(2) does, and may block. But a pipe without a reader raises no SIGPIPE. */
ssize_t silent_write(int fd, const struct iovec *parts, int count);

/* They work on any pipe or FIFO, also if it cannot be opened again: another user owns it, or its other side has closed. They are slower. */
ssize_t splice_read(int fd, const struct iovec *part);
ssize_t splice_write(int fd, const struct iovec *parts, int count);

#endif
