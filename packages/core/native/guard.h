/* The guard ends programs if this process ends first, also by SIGKILL. See guard.c. */
#ifndef AIOPIPE_GUARD_H
#define AIOPIPE_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>

#include "system.h"

struct guarded {
  atomic_int target;           /* a pid, or a negated process group; 0: not started yet, or ended */
  bool terminate;              /* SIGTERM first */
  int kill_after;              /* milliseconds until SIGKILL; negative: never */
  _Atomic(const void *) owner; /* the thread that started it; NULL: the entry is free */
};

/*
 * Returns an entry, and starts the guard if there is none. A program that is not killed at once gets SIGCONT, so that it can
 * handle SIGTERM also if it is stopped. If it returns NULL, `*error` is a negative errno, or 0 if the system permits no guard.
 */
struct guarded *sys_guard_enter(const void *owner, bool terminate, int kill_after, int *error);

/* Frees the entry: the guard does not end the program any more. */
void sys_guard_leave(struct guarded *entry);

/* Ends the entries of a thread that has ended. */
void sys_guard_end_owned(const void *owner);

#endif
