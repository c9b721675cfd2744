/*
 * A thread that waits for a child, and a pipe whose end says that the child has ended. It serves where there is no pidfd: on an old Linux,
 * and if a filter of system calls refuses it.
 */
#ifndef AIOPIPE_EXIT_WAITER_H
#define AIOPIPE_EXIT_WAITER_H

#include "exit_watch.h"

/* They do what prepare_watch() and begin_watch() do. */
int prepare_waiter(struct exit_watch *watch);
int begin_waiter(const struct exit_watch *watch, pid_t pid);

#endif
