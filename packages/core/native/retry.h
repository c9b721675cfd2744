/* Repeats system calls that a signal has interrupted: see system.h. */
#ifndef AIOPIPE_RETRY_H
#define AIOPIPE_RETRY_H

#include <errno.h>
#include <poll.h>

#define RETRY(result, call)            \
  do {                                 \
    (result) = (call);                 \
  } while ((result) < 0 && errno == EINTR)

/*
 * Calls poll(2), and returns a negative errno if it fails. -1 milliseconds: no limit. Each try waits only for the rest of the time: a
 * profiler's signals come every millisecond, and a wait that began anew each time would never end.
 */
int poll_until(struct pollfd *entries, nfds_t count, int milliseconds);

#endif
