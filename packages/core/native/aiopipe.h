/* What the parts of the Node-API glue share. */
#ifndef AIOPIPE_H
#define AIOPIPE_H

#include <stdbool.h>
#include <uv.h>

#include "checked.h"

/* One per environment (the main thread's, each worker thread's): nothing of ours is global. */
struct instance {
  napi_env env;
  uv_loop_t *loop;
  napi_async_context async_context;
  napi_async_cleanup_hook_handle cleanup_hook;
  struct poll *polls;   /* all that libuv still knows */
  uint64_t *owned_fds;  /* a bit for each descriptor that JavaScript would have closed in its time */
  size_t owned_words;
  struct spinner *spinner; /* NULL until something spins */
  bool is_shutting_down;
};

/* After libuv has let go of a handle: the last one at shutdown lets the environment go. */
void instance_closed_one(struct instance *instance);

/* Calls back into JavaScript from the loop; an error thrown there is an uncaught exception, as from any callback. */
void call_back(struct instance *instance, napi_ref function, size_t count, const napi_value *arguments);

/*
 * A worker thread may end between any two of its instructions, and the process goes on: what it had open then is closed
 * with its environment. Noting a number twice, or forgetting one that was not noted, does nothing.
 */
void note_fd(struct instance *instance, int fd);
void forget_fd(struct instance *instance, int fd);

/*
 * Watches one descriptor. Callbacks come only for what is of interest; the handle stays with the loop's poll between
 * two waits, so that waiting again costs no system call, and is given up when something comes that nobody waits for.
 */
struct poll *poll_open(struct instance *instance, int fd, void (*callback)(struct poll *poll, int events), int *error);
void poll_want(struct poll *poll, int events, bool holds_loop);
void poll_close(struct poll *poll);

/* For so long the loop looks again before it sleeps while this one waits to be readable; 0: not at all. */
void poll_spin(struct poll *poll, uint64_t nanoseconds);
void spinner_close(struct instance *instance);

/* Of a child: it lives on if we end. */
void child_unguard(struct poll *poll);

/* The external value that stands for it in JavaScript. NULL if that failed: then an error is pending, and it is gone. */
napi_value poll_external(struct poll *poll);

/* Closes one that JavaScript has never had. */
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
  int exit_fd;
  int pid;
  struct guarded *guarded; /* NULL: what is left of it lives on if we end */
  bool keeps_guard;        /* for its group, also after its end */
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

/* At the beginning of such a function: its arguments, undefined where they were left out, and `instance`. */
#define ARGUMENTS(env, info, count)                                                                   \
  napi_value args[count];                                                                             \
  size_t args_count_ = count;                                                                         \
  void *data_ = NULL;                                                                                 \
  CHECK(env, napi_get_cb_info(env, info, &args_count_, args, NULL, &data_));                          \
  struct instance *instance = data_;                                                                  \
  (void)instance

#endif
