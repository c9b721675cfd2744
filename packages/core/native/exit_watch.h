/* The descriptor that becomes readable at a child's end. Every step that can fail comes before the child begins. */
#ifndef AIOPIPE_EXIT_WATCH_H
#define AIOPIPE_EXIT_WATCH_H

#include <sys/types.h>

struct exit_watch {
  int fd; /* the descriptor. Before there is a child, there is no pidfd on Linux: then another descriptor holds its number */
  struct waiter *waiter; /* see exit_waiter.h; NULL: none */
};

/* Returns 0, or a negative errno. begin_watch() must follow: it ends the ownership of everything that the watch holds. */
int prepare_watch(struct exit_watch *watch);

/* Returns the descriptor, which the caller then owns, or a negative errno. `pid` 0 means that no child was started: returns 0. */
int begin_watch(struct exit_watch *watch, pid_t pid);

#endif
