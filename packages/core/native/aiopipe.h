/* What the files of the Node-API glue share. */
#ifndef AIOPIPE_H
#define AIOPIPE_H

#include <stdbool.h>
#include <uv.h>

#include "checked.h"

/* One for each environment: the main thread has one, and each worker thread. */
struct instance {
  napi_env env;
  uv_loop_t *loop;
  napi_async_context async_context;
  napi_async_cleanup_hook_handle cleanup_hook;
  struct poll *polls;   /* all whose handles libuv has not closed yet */
  uint64_t *owned_fds;  /* a bit for each descriptor that is closed with the environment: see note_fd() */
  size_t owned_words;
  struct spinner *spinner; /* NULL until the first poll_spin() */
  bool is_shutting_down;
};

/* After libuv has closed a handle: at shutdown, the last one lets the environment end. */
void instance_closed_one(struct instance *instance);

/* Calls JavaScript from the loop. An error thrown there is an uncaught exception, as from any callback. */
void call_back(struct instance *instance, napi_ref function, size_t count, const napi_value *arguments);

/*
 * The owner of each descriptor that JavaScript has is its environment: a worker thread may end between any two of its
 * instructions, and the process goes on. note_fd() follows the system call that made the descriptor, before anything can fail;
 * forget_fd() comes before close(2), or when the descriptor gets another owner. Noting a number twice, or forgetting one
 * that was not noted, does nothing.
 */
void note_fd(struct instance *instance, int fd);
void forget_fd(struct instance *instance, int fd);

/*
 * Watches one descriptor, which it borrows: it must be closed before the descriptor is. Callbacks come only for events that are
 * wanted. Between two waits the descriptor stays in the loop's epoll set, so that waiting again costs no system call, until an event
 * comes that is not wanted.
 */
struct poll *poll_open(struct instance *instance, int fd, void (*callback)(struct poll *poll, int events), int *error);
void poll_want(struct poll *poll, int events, bool holds_loop);
void poll_close(struct poll *poll);

/* How long the loop looks again before it sleeps while this one waits to be readable; 0: not at all. */
void poll_spin(struct poll *poll, uint64_t nanoseconds);
void spinner_close(struct instance *instance);

/* Of a child: it is not ended if we end first. */
void child_unguard(struct poll *poll);

/* The external value that stands for it in JavaScript. NULL if that failed: then an error is pending, and the poll is closed. */
napi_value poll_external(struct poll *poll);

/* Closes one that JavaScript never got. */
void poll_abandon(struct poll *poll);

struct poll {
  struct instance *instance;
  uv_poll_t *handle;
  struct poll *next, **link;
  void (*callback)(struct poll *poll, int events);
  napi_ref function;
  int fd;
  int armed, wanted;
  uint64_t spin; /* nanoseconds */
  int32_t *interests;    /* memory of an Int32Array; NULL for a child's exit descriptor */
  napi_ref interests_ref;
  bool in_use;     /* by JavaScript, which holds a pointer */
  bool in_loop;    /* by libuv, until its close callback */

  /* of a child's exit descriptor */
  int exit_fd; /* which the poll owns; -1: it is another descriptor's */
  int pid;
  struct guarded *guarded; /* NULL: it is not ended if we end first */
  bool keeps_guard;        /* for the child's group, also after the child's end */
};

CHECKED napi_status define_calls(struct instance *instance, napi_value exports);
CHECKED napi_status define_poll(struct instance *instance, napi_value exports);
CHECKED napi_status define_child(struct instance *instance, napi_value exports);

/* One function of the binding, and its name in JavaScript. */
struct function {
  const char *name;
  napi_callback call;
};
CHECKED napi_status define_all(struct instance *instance, napi_value exports, const struct function *functions,
                               size_t count);

#define DEFINE_ALL(instance, exports, functions) \
  define_all(instance, exports, functions, sizeof(functions) / sizeof((functions)[0]))

/* At the beginning of such a function: `args`, undefined if they were left out, and `instance`. */
#define ARGUMENTS(env, info, count)                                                                   \
  napi_value args[count];                                                                             \
  size_t args_count_ = count;                                                                         \
  void *data_ = NULL;                                                                                 \
  CHECK(env, napi_get_cb_info(env, info, &args_count_, args, NULL, &data_));                          \
  struct instance *instance = data_;                                                                  \
  (void)instance

#endif
