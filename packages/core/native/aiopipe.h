/* What the parts of the Node-API glue share. */
#ifndef AIOPIPE_H
#define AIOPIPE_H

#include <node_api.h>
#include <stdbool.h>
#include <uv.h>

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

struct instance *instance_of(napi_env env);

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

napi_value int_value(napi_env env, int64_t number);
int32_t int_argument(napi_env env, napi_value value);

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

/* For the external value that stands for a poll in JavaScript. */
void poll_finalize(napi_env env, void *poll, void *hint);

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
};

void define_calls(napi_env env, napi_value exports);
void define_poll(napi_env env, napi_value exports);
void define_child(napi_env env, napi_value exports);

#define DEFINE(env, exports, name, function)                                                \
  do {                                                                                      \
    napi_value value_;                                                                      \
    napi_create_function(env, name, NAPI_AUTO_LENGTH, function, NULL, &value_);             \
    napi_set_named_property(env, exports, name, value_);                                    \
  } while (0)

#define ARGUMENTS(env, info, count)                                                         \
  napi_value args[count];                                                                   \
  size_t args_count_ = count;                                                               \
  napi_get_cb_info(env, info, &args_count_, args, NULL, NULL)

#endif
