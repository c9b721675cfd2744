/* A set of descriptors of which the system tells the ready ones: epoll on Linux, kqueue on macOS. */
#ifndef AIOPIPE_READY_H
#define AIOPIPE_READY_H

#include <stdbool.h>

/* Events. They are libuv's numbers, and those of src/fd/native.ts. */
#define READABLE 1
#define WRITABLE 2

struct ready {
  void *owner;
  int events; /* 0: the descriptor has failed or ended. Whatever waits for it should make its call, whose result tells why. */
};

struct ready_set {
  int fd;    /* poll(2) reports it as readable while a descriptor of the set is ready */
  int waker; /* the system's own */
};

/* Makes a set. Returns 0 or a negative errno. */
int ready_open(struct ready_set *set);
void ready_close(struct ready_set *set);

/* Makes the set's descriptor readable for good. Any thread may call it. */
void ready_wake(const struct ready_set *set);

/*
 * Changes the events of `fd` that the set reports, from `before` to `after`. 0: the descriptor is not in the set. It must leave the set
 * before it is closed. Returns 0 or a negative errno.
 */
int ready_change(const struct ready_set *set, int fd, int before, int after, void *owner);

/*
 * Finds at most `most` ready descriptors, and returns how many. Does not wait. The next call finds those again that are ready still. The
 * owner is NULL for the wake-up.
 */
int ready_take(const struct ready_set *set, struct ready *found, int most);

/* Returns whether this is the thread with which the process began. */
bool is_first_thread(void);

#endif
