/* The descriptor that tells of a child's end. All that can fail is done before the child begins. */
#ifndef AIOPIPE_EXIT_WATCH_H
#define AIOPIPE_EXIT_WATCH_H

#include <sys/types.h>

struct exit_watch {
  int fd; /* the descriptor itself; a pidfd on Linux, which exists only with its child: one that holds its number until then */
  struct waiter *waiter; /* Linux without pidfds: a thread. NULL: none is needed */
};

/* 0, or a negative errno. begin_watch() must follow, which ends the watch's ownership of all that it holds. */
int prepare_watch(struct exit_watch *watch);

/* Returns the descriptor, which the caller then owns, or a negative errno. `pid` 0: nothing was started; returns 0. */
int begin_watch(struct exit_watch *watch, pid_t pid);

#endif
