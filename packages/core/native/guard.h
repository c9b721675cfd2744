/* Programs that are ended if this process ends first, in whatever way. See guard.c. */
#ifndef AIOPIPE_GUARD_H
#define AIOPIPE_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>

#include "system.h"

struct guarded {
  atomic_int target; /* a pid, or a negated process group; 0: not started yet, or ended */
  bool terminate;    /* SIGTERM first */
  int kill_after;    /* milliseconds until SIGKILL; negative: never */
  const void *owner; /* the thread that started it; NULL: the entry is free */
};

/*
 * Takes an entry, and starts the guard if there is none. A program that is not killed at once gets SIGCONT, so that it can
 * handle SIGTERM also if it is stopped. NULL: `*error` is a negative errno; or 0, if the system permits no guard.
 */
struct guarded *sys_guard_enter(const void *owner, bool terminate, int kill_after, int *error);

/* Frees the entry: the program is not ended any more. */
void sys_guard_leave(struct guarded *entry);

/* A thread has ended: its entries are ended now. */
void sys_guard_end_owned(const void *owner);

#endif
