/* What a child may do: see enum sys_limit. Called by the child, between fork and exec. Async-signal-safe. */
#ifndef AIOPIPE_LIMITS_H
#define AIOPIPE_LIMITS_H

#include <stdbool.h>

#include "system.h"

/* Returns 0 or an errno. */
int join_cgroup(const struct sys_limits *limits);

/*
 * Gives the terminal at descriptor 0 to the child's new user, if it gets one, so that programs can also open it by its name. Without the
 * right to do that, it stays as it is.
 */
void give_terminal(const struct sys_limits *limits);

/* Applies all but the cgroup. Returns 0, or an errno and the limit that the system refused. */
int apply_limits(const struct sys_limits *limits, enum sys_limit *failed);

/*
 * Whether the child gets another user or groups. Then it must not share our memory: a process of that user may stop it, and we would
 * wait with it. The system would also protect our memory from debuggers as if our own user had changed.
 */
bool changes_user(const struct sys_limits *limits);

#endif
