/* Types and functions that the files of the Node-API glue share. */
#ifndef AIOPIPE_H
#define AIOPIPE_H

#include <errno.h>
#include <stdbool.h>

#include "checked.h"
#include "poller.h"

/* Each environment has one instance: the main thread, and each worker thread. */
struct instance {
  napi_env env;
  const struct poller *poller; /* how it learns that descriptors are ready */
  void *watcher;               /* the poller's own */
  struct poll *polls;          /* all polls that the poller has not closed yet */
  struct mapping *mappings;    /* all shared memory that is mapped */
  uint64_t *owned_fds;         /* a bit for each descriptor that closes with the environment: see note_fd() */
  size_t owned_words;
  int64_t weight; /* bytes outside of V8's heap that it was told of */
  bool is_main; /* not a worker thread: the process ends with it */
  bool is_shutting_down;
};

/*
 * Runs before the environment ends. It closes all polls, and the descriptors that the environment owns. The system closes the main
 * thread's descriptors with the process.
 */
void instance_end(struct instance *instance);

/* Calls JavaScript from the loop. If it throws, that is an uncaught exception, as in any callback. */
void call_back(struct instance *instance, napi_ref function, size_t count, const napi_value *arguments);

/*
 * The environment owns each descriptor that JavaScript has: a worker thread may end between any two of its instructions, and the
 * process goes on. note_fd() must follow the system call that made the descriptor, before anything can fail. forget_fd() must come
 * before close(2), or when the descriptor gets another owner. A number that is noted twice, or forgotten without a note, changes nothing.
 */
void note_fd(struct instance *instance, int fd);
void forget_fd(struct instance *instance, int fd);

/* Unmaps all shared memory, before the environment ends. */
void memory_end(struct instance *instance);

/* Takes a child from the guard: the child lives on if this process ends first. */
void child_unguard(struct poll *poll);

CHECKED napi_status define_calls(struct instance *instance, napi_value exports);
CHECKED napi_status define_local(struct instance *instance, napi_value exports);
CHECKED napi_status define_poll(struct instance *instance, napi_value exports);
CHECKED napi_status define_memory(struct instance *instance, napi_value exports);
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
