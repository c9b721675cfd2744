/* Types and functions that the files of the Node-API glue share. */
#ifndef AIOPIPE_H
#define AIOPIPE_H

#include <stdbool.h>
#include <uv.h>

#include "checked.h"

/* Each environment has one instance: the main thread, and each worker thread. */
struct instance {
  napi_env env;
  uv_loop_t *loop;
  napi_async_context async_context;
  napi_async_cleanup_hook_handle cleanup_hook;
  struct poll *polls;   /* all polls whose handles libuv has not closed yet */
  uint64_t *owned_fds;  /* a bit for each descriptor that closes with the environment: see note_fd() */
  size_t owned_words;
  struct spinner *spinner; /* NULL until the first poll_spin() */
  bool is_shutting_down;
};

/* Must be called after libuv has closed a handle. At shutdown, the last handle lets the environment end. */
void instance_closed_one(struct instance *instance);

/* Calls JavaScript from the loop. If it throws, that is an uncaught exception, as in any callback. */
void call_back(struct instance *instance, napi_ref function, size_t count, const napi_value *arguments);

/*
 * The environment owns each descriptor that JavaScript has: a worker thread may end between any two of its instructions, and the
 * process goes on. note_fd() must follow the system call that made the descriptor, before anything can fail. forget_fd() must come
 * before close(2), or when the descriptor gets another owner. A number that is noted twice, or forgotten without a note, changes nothing.
 */
void note_fd(struct instance *instance, int fd);
void forget_fd(struct instance *instance, int fd);

/*
 * A poll watches one descriptor, which it borrows: the poll must close before the descriptor does. Callbacks come only for wanted events.
 * Between two waits the descriptor stays in the loop's epoll set, so that the next wait costs no system call. An event that is not
 * wanted removes it.
 */
struct poll *poll_open(struct instance *instance, int fd, void (*callback)(struct poll *poll, int events), int *error);
void poll_want(struct poll *poll, int events, bool holds_loop);
void poll_close(struct poll *poll);

/* Sets how long the loop spins before it sleeps, while this poll waits to be readable. 0: it does not spin. */
void poll_spin(struct poll *poll, uint64_t nanoseconds);
void spinner_close(struct instance *instance);

/* Takes a child from the guard: the child lives on if this process ends first. */
void child_unguard(struct poll *poll);

/* Returns the poll's external value for JavaScript. If that fails, it closes the poll and returns NULL, with an error pending. */
napi_value poll_external(struct poll *poll);

/* Closes a poll that JavaScript never got. */
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
  int32_t *interests;    /* the memory of an Int32Array; NULL for a child's exit descriptor */
  napi_ref interests_ref;
  bool in_use;     /* JavaScript holds a pointer */
  bool in_loop;    /* libuv holds a pointer, until its close callback */

  /* --- Only for a child's exit descriptor --- */
  int exit_fd; /* the poll owns it; -1: this poll watches another descriptor */
  int pid;
  struct guarded *guarded; /* NULL: the child lives on if this process ends first */
  bool keeps_guard;        /* the child's group stays guarded after the child's end */
};

CHECKED napi_status define_calls(struct instance *instance, napi_value exports);
CHECKED napi_status define_poll(struct instance *instance, napi_value exports);
CHECKED napi_status define_child(struct instance *instance, napi_value exports);

/* A function of the binding, and its name in JavaScript. */
struct function {
  const char *name;
  napi_callback call;
};
CHECKED napi_status define_all(struct instance *instance, napi_value exports, const struct function *functions,
                               size_t count);

#define DEFINE_ALL(instance, exports, functions) \
  define_all(instance, exports, functions, sizeof(functions) / sizeof((functions)[0]))

/* Begins such a function. Defines `args`, in which missing arguments are undefined, and `instance`. */
#define ARGUMENTS(env, info, count)                                                                   \
  napi_value args[count];                                                                             \
  size_t args_count_ = count;                                                                         \
  void *data_ = NULL;                                                                                 \
  CHECK(env, napi_get_cb_info(env, info, &args_count_, args, NULL, &data_));                          \
  struct instance *instance = data_;                                                                  \
  (void)instance

#endif
