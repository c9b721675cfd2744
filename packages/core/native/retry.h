/* System calls that a signal has interrupted are made again: see system.h. */
#ifndef AIOPIPE_RETRY_H
#define AIOPIPE_RETRY_H

#include <errno.h>
#include <poll.h>

#define RETRY(result, call)            \
  do {                                 \
    (result) = (call);                 \
  } while ((result) < 0 && errno == EINTR)

/*
 * poll(2), with a negative errno. -1 milliseconds: without end. Each try waits for the rest of the time only: a profiler's signals
 * come every millisecond, and a wait that began anew each time would never end.
 */
int poll_until(struct pollfd *entries, nfds_t count, int milliseconds);

#endif
