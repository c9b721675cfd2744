/*
 * Waiting for descriptors. A poller learns that a descriptor is ready. There are two: libuv's loop, and a thread of our own for
 * runtimes without libuv. poll.c holds what both have in common; poll_uv.c and poll_thread.c hold the pollers.
 */
#ifndef AIOPIPE_POLLER_H
#define AIOPIPE_POLLER_H

#include <stdbool.h>
#include <stdint.h>

#include "checked.h"
#include "ready.h"

struct instance;
struct poll;

/* Learns that descriptors are ready. An environment keeps the poller that it has begun with. */
struct poller {
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

extern const struct poller poller_uv;
extern const struct poller poller_thread;

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
 * For the pollers: reports events. 0 means that the descriptor has failed or ended: the stream that waits must make its call, whose result
 * shows the cause.
 */
void poll_report(struct poll *poll, int events);

/* For the pollers: nothing of the poller refers to the poll any more. */
void poll_closed(struct poll *poll);

struct poll {
  struct instance *instance;
  void *handle; /* the poller's own */
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
  bool in_poller;     /* the poller holds a pointer, until poll_closed() */

  /* --- Only for a child's exit descriptor --- */
  int exit_fd; /* the poll owns it; -1: this poll watches another descriptor */
  int pid;
  struct guarded *guarded; /* NULL: the child lives on if this process ends first */
  bool keeps_guard;        /* the child's group stays guarded after the child's end */
};

#endif
