/* System calls that a signal interrupted are made again: see system.h. */
#ifndef AIOPIPE_RETRY_H
#define AIOPIPE_RETRY_H

#include <errno.h>

#define RETRY(result, call)            \
  do {                                 \
    (result) = (call);                 \
  } while ((result) < 0 && errno == EINTR)

#endif
