/*
 * Waiting for descriptors. There are two ways to learn that a descriptor is ready: by libuv's loop, and by a thread of our own, for
 * runtimes without libuv. poll.c holds what both have in common; poll_uv.c and poll_thread.c hold the ways.
 */
#ifndef AIOPIPE_POLL_H
#define AIOPIPE_POLL_H

#include <stdbool.h>
#include <stdint.h>

#include "checked.h"
#include "ready.h"

struct instance;
struct poll;

/* A way to learn that a descriptor is ready. An environment keeps the way that it has begun with. */
struct way {
  /* Must arrange that instance_end() is called before the environment ends. */
  CHECKED napi_status (*begin)(struct instance *instance);
  /* Checks that the descriptor can be waited for. Returns 0 or a negative errno. */
  int (*open)(struct poll *poll);
  /* Sets the events that are reported: 0 is none. Called only with other events than before. */
  void (*arm)(struct poll *poll, int events);
  /* Sets whether this poll keeps the event loop alive. Called only with another value than before. */
  void (*hold)(struct poll *poll, bool holds);
  void (*spin)(struct poll *poll, uint64_t nanoseconds);
  /* Must call poll_closed() at once or later. Nothing is armed, and the poll does not hold the loop. */
  void (*close)(struct poll *poll);
  /* Calls JavaScript, within an event. */
  CHECKED napi_status (*call)(struct instance *instance, napi_value receiver, napi_value function, size_t count,
                              const napi_value *arguments);
};

extern const struct way way_uv;
extern const struct way way_thread;

/*
 * A poll watches one descriptor, which it borrows: the poll must close before the descriptor does. Callbacks come only for wanted events.
 * Between two waits the descriptor stays armed, so that the next wait costs no system call. An event that is not wanted disarms it.
 */
struct poll *poll_open(struct instance *instance, int fd, void (*callback)(struct poll *poll, int events), int *error);
void poll_want(struct poll *poll, int events, bool holds_loop);
void poll_close(struct poll *poll);

/* Sets how long the loop spins before it sleeps, while this poll waits to be readable. 0: it does not spin. */
void poll_spin(struct poll *poll, uint64_t nanoseconds);

/* Returns the poll's external value for JavaScript. If that fails, it closes the poll and returns NULL, with an error pending. */
napi_value poll_external(struct poll *poll);

/* Closes a poll that JavaScript never got. */
void poll_abandon(struct poll *poll);

/*
 * For the ways: reports events. 0 means that the descriptor has failed or ended: the stream that waits must make its call, whose result
 * shows the cause.
 */
void poll_report(struct poll *poll, int events);

/* For the ways: nothing of the way refers to the poll any more. */
void poll_closed(struct poll *poll);

struct poll {
  struct instance *instance;
  void *handle; /* the way's own */
  struct poll *next, **link;
  void (*callback)(struct poll *poll, int events);
  napi_ref function;
  int fd;
  int armed, wanted;
  uint64_t spin; /* nanoseconds */
  int32_t *interests;    /* the memory of an Int32Array; NULL for a child's exit descriptor */
  napi_ref interests_ref;
  bool is_open;
  bool holds_loop;
  bool in_use;     /* JavaScript holds a pointer */
  bool in_way;     /* the way holds a pointer, until poll_closed() */

  /* --- Only for a child's exit descriptor --- */
  int exit_fd; /* the poll owns it; -1: this poll watches another descriptor */
  int pid;
  struct guarded *guarded; /* NULL: the child lives on if this process ends first */
  bool keeps_guard;        /* the child's group stays guarded after the child's end */
};

#endif
