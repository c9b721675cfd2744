/* Waiting for descriptors by libuv's loop, on Node.js. */
#include <stdlib.h>

#include "poll_uv.h"
#include "system.h"

_Static_assert(READABLE == UV_READABLE && WRITABLE == UV_WRITABLE, "events are libuv's");

void uv_closed_one(struct instance *instance) {
  struct uv_watcher *watcher = uv_watcher_of(instance);
  bool is_last = instance->polls == NULL && watcher->spinner == NULL;
  if (!instance->is_shutting_down || !is_last) return;
  ignore(napi_remove_async_cleanup_hook(watcher->cleanup_hook));
  free(watcher);
  instance->watcher = NULL;
}

/* A poll handle that is still active when the environment ends, with something to read, would crash the process. */
static void clean_up(napi_async_cleanup_hook_handle hook, void *data) {
  struct instance *instance = data;
  struct uv_watcher *watcher = uv_watcher_of(instance);
  (void)hook;
  instance_end(instance);
  spinner_close(instance);
  ignore(napi_async_destroy(instance->env, watcher->async_context));
  uv_closed_one(instance);
}

CHECKED static napi_status begin_with(struct instance *instance, struct uv_watcher *watcher) {
  napi_env env = instance->env;
  napi_value resource, name;
  PASS_ON(napi_get_uv_event_loop(env, &watcher->loop));
  instance->is_main = watcher->loop == uv_default_loop();
  PASS_ON(napi_create_object(env, &resource));
  PASS_ON(napi_create_string_utf8(env, "aiopipe", NAPI_AUTO_LENGTH, &name));
  PASS_ON(napi_async_init(env, resource, name, &watcher->async_context));
  return napi_add_async_cleanup_hook(env, clean_up, instance, &watcher->cleanup_hook);
}

CHECKED static napi_status begin(struct instance *instance) {
  struct uv_watcher *watcher = calloc(1, sizeof(*watcher));
  if (watcher == NULL) return napi_generic_failure;
  instance->watcher = watcher;
  napi_status status = begin_with(instance, watcher);
  /* clean_up() ends it, but was not arranged. A thread that is terminated while it loads the binding comes here. */
  if (status != napi_ok) {
    free(watcher);
    instance->watcher = NULL;
  }
  return status;
}

static int open_handle(struct poll *poll) {
  /* libuv reports the size: the headers of the build may be of another version. */
  uv_poll_t *handle = calloc(1, uv_handle_size(UV_POLL));
  if (handle == NULL) return -ENOMEM;
  /* libuv sets O_NONBLOCK, for all processes that share the description. Our calls do not need it. */
  int was_nonblocking = sys_is_nonblocking(poll->fd);
  int error = uv_poll_init(uv_watcher_of(poll->instance)->loop, handle, poll->fd);
  if (error != 0) {
    free(handle);
    return error;
  }
  if (was_nonblocking == 0) sys_set_nonblocking(poll->fd, 0);
  uv_handle_set_data((uv_handle_t *)handle, poll);
  uv_unref((uv_handle_t *)handle);
  poll->handle = handle;
  return 0;
}

static void on_event(uv_poll_t *handle, int status, int events) {
  struct poll *poll = uv_handle_get_data((uv_handle_t *)handle);
  if (status >= 0) {
    poll_report(poll, events);
    return;
  }
  /* libuv reports POLLERR as an error and stops: the reader of a pipe has closed, or a socket was reset, with bytes still to read. */
  poll->armed = 0;
  poll_report(poll, 0);
}

static void arm(struct poll *poll, int events) {
  if (events == 0) uv_poll_stop(poll->handle);
  else uv_poll_start(poll->handle, events, on_event);
}

static void hold(struct poll *poll, bool holds) {
  if (holds) uv_ref(poll->handle);
  else uv_unref(poll->handle);
}

static void on_closed(uv_handle_t *handle) {
  struct poll *poll = uv_handle_get_data(handle);
  struct instance *instance = poll->instance;
  free(handle);
  poll_closed(poll);
  uv_closed_one(instance);
}

static void close_handle(struct poll *poll) {
  spin_set(poll, 0);
  uv_close(poll->handle, on_closed);
}

CHECKED static napi_status call(struct instance *instance, napi_value receiver, napi_value function, size_t count,
                                const napi_value *arguments) {
  napi_async_context context = uv_watcher_of(instance)->async_context;
  return napi_make_callback(instance->env, context, receiver, function, count, arguments, NULL);
}

const struct poller poller_uv = {
    .begin = begin,
    .open = open_handle,
    .arm = arm,
    .hold = hold,
    .spin = spin_set,
    .close = close_handle,
    .call = call,
};
