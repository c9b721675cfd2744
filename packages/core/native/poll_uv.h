/* What the files of libuv's poller share. */
#ifndef AIOPIPE_POLL_UV_H
#define AIOPIPE_POLL_UV_H

/* The header's own definition, and weak: the binding must load in a runtime without libuv, which takes the other poller. */
#define UV_EXTERN __attribute__((visibility("default"), weak))
#include <uv.h>

#include "aiopipe.h"

/* Its part of an instance. */
struct uv_watcher {
  uv_loop_t *loop;
  napi_async_context async_context;
  napi_async_cleanup_hook_handle cleanup_hook;
  struct spinner *spinner; /* NULL until the first poll that spins */
};

static inline struct uv_watcher *uv_watcher_of(struct instance *instance) { return instance->watcher; }

/* Must be called after libuv has closed a handle. At shutdown, the last handle lets the environment end. */
void uv_closed_one(struct instance *instance);

void spin_set(struct poll *poll, uint64_t nanoseconds);
void spinner_close(struct instance *instance);

#endif
