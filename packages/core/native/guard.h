/* What is ended if this process ends first, however it does. See guard.c. */
#ifndef AIOPIPE_GUARD_H
#define AIOPIPE_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>

#include "system.h"

struct guarded {
  atomic_int target; /* a pid, or a negated process group; 0: none yet, or none any more */
  bool terminate;    /* SIGTERM first */
  int kill_after;    /* milliseconds until SIGKILL; negative: never */
  const void *owner; /* NULL: the entry is free */
};

/*
 * A new entry, and a guard for it if there is none. SIGCONT goes to all that are not killed at once. NULL: `*error` is
 * a negative errno; or 0, if the system permits no guard.
 */
struct guarded *sys_guard_enter(const void *owner, bool terminate, int kill_after, int *error);

/* From now on it lives on as it likes. */
void sys_guard_leave(struct guarded *entry);

/* A thread has ended: what it had in the table is ended now. */
void sys_guard_end_owned(const void *owner);

#endif
