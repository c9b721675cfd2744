/*
 * A set of descriptors of which the system tells the ready ones: epoll on Linux, kqueue on macOS. A set is a descriptor itself, which
 * poll(2) reports as readable while one of its descriptors is ready.
 */
#ifndef AIOPIPE_READY_H
#define AIOPIPE_READY_H

/* Events. They are libuv's numbers, and those of src/fd/native.ts. */
#define READABLE 1
#define WRITABLE 2

struct ready {
  void *owner;
  int events; /* 0: the descriptor has failed or ended. Whatever waits for it should make its call, whose result tells why. */
};

/* Returns a new set, or a negative errno. */
int ready_open(void);

/*
 * Changes the events of `fd` that the set reports, from `before` to `after`. 0: the descriptor is not in the set. It must leave the set
 * before it is closed. Returns 0 or a negative errno.
 */
int ready_change(int set, int fd, int before, int after, void *owner);

/* Finds at most `most` ready descriptors, and returns how many. Does not wait. The next call finds those again that are ready still. */
int ready_take(int set, struct ready *found, int most);

#endif
