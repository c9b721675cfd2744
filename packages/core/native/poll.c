/* Descriptors on the event loop: what both pollers have in common. */
#include <stdlib.h>

#include "aiopipe.h"
#include "guard.h"
#include "system.h"

static void release(struct poll *poll) {
  if (!poll->in_use && !poll->in_poller) free(poll);
}

void poll_closed(struct poll *poll) {
  *poll->link = poll->next;
  if (poll->next != NULL) poll->next->link = poll->link;
  poll->in_poller = false;
  release(poll);
}

/* Each change costs a system call, so equal events change nothing. */
static void arm(struct poll *poll, int events) {
  if (poll->armed == events) return;
  poll->instance->poller->arm(poll, events);
  poll->armed = events;
}

static void hold(struct poll *poll, bool holds) {
  if (poll->holds_loop == holds) return;
  poll->holds_loop = holds;
  poll->instance->poller->hold(poll, holds);
}

void poll_report(struct poll *poll, int events) {
  if (events == 0) {
    /* If it is not the end, the stream waits on: bytes may come before a reset. */
    arm(poll, poll->wanted);
    events = poll->wanted;
  }
  int unwanted = events & ~poll->wanted;
  if (unwanted != 0) arm(poll, poll->armed & ~unwanted);
  if ((events & poll->wanted) != 0) poll->callback(poll, events & poll->wanted);
}

struct poll *poll_open(struct instance *instance, int fd, void (*callback)(struct poll *, int), int *error) {
  struct poll *poll = calloc(1, sizeof(*poll));
  if (poll == NULL) {
    *error = -ENOMEM;
    return NULL;
  }
  poll->instance = instance;
  poll->fd = fd;
  poll->callback = callback;
  poll->exit_fd = -1;
  *error = instance->poller->open(poll);
  if (*error != 0) {
    free(poll);
    return NULL;
  }
  poll->is_open = poll->in_use = poll->in_poller = true;
  poll->next = instance->polls;
  poll->link = &instance->polls;
  if (poll->next != NULL) poll->next->link = &poll->next;
  instance->polls = poll;
  return poll;
}

void poll_want(struct poll *poll, int events, bool holds_loop) {
  if (!poll->is_open) return;
  poll->wanted = events;
  if ((events & ~poll->armed) != 0) arm(poll, poll->armed | events);
  hold(poll, events != 0 && holds_loop);
}

void poll_spin(struct poll *poll, uint64_t nanoseconds) {
  if (poll->is_open) poll->instance->poller->spin(poll, nanoseconds);
}

void poll_close(struct poll *poll) {
  struct instance *instance = poll->instance;
  if (!poll->is_open) return;
  poll->is_open = false;
  poll->wanted = 0;
  arm(poll, 0);
  hold(poll, false);
  if (poll->exit_fd >= 0) {
    sys_close(poll->exit_fd);
    poll->exit_fd = -1;
    /* If a thread ends, the guard's rules apply to its children: see instance_end(). */
    if (poll->guarded != NULL && !poll->keeps_guard && !instance->is_shutting_down) child_unguard(poll);
    /* This worker thread ends before its child, which would stay a zombie: no other code reaps it. */
    if (instance->is_shutting_down && !instance->is_main) sys_reap_later(poll->pid);
  }
  if (poll->function != NULL) {
    ignore(napi_delete_reference(instance->env, poll->function));
    poll->function = NULL;
  }
  if (poll->interests_ref != NULL) {
    ignore(napi_delete_reference(instance->env, poll->interests_ref));
    poll->interests_ref = NULL;
    poll->interests = NULL;
  }
  instance->poller->close(poll);
}

/* --- For JavaScript: a poll is an external value --- */

static void finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  struct poll *poll = data;
  poll->in_use = false;
  release(poll);
}

void poll_abandon(struct poll *poll) {
  poll_close(poll);
  poll->in_use = false;
  release(poll);
}

/*
 * The events that JavaScript waits for stand in memory that both sides see. JavaScript often stops to wait and starts again within one
 * event. Only the state at the end of the event counts.
 */
#define INTERESTS 0
#define IS_NOTIFYING 1
#define HOLDS_LOOP 4

static void update(struct poll *poll) {
  if (poll->interests == NULL) return; /* the poll was closed during the event */
  int interests = poll->interests[INTERESTS];
  poll_want(poll, interests & (READABLE | WRITABLE), (interests & HOLDS_LOOP) != 0);
}

static void notify(struct poll *poll, int events) {
  napi_env env = poll->instance->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value argument = int_value(env, events);
  if (argument != NULL) {
    poll->interests[IS_NOTIFYING] = 1;
    call_back(poll->instance, poll->function, 1, &argument);
    if (poll->interests != NULL) poll->interests[IS_NOTIFYING] = 0;
    update(poll);
  }
  ignore(napi_close_handle_scope(env, scope));
}

napi_value poll_external(struct poll *poll) {
  napi_env env = poll->instance->env;
  napi_value external;
  if (napi_create_external(env, poll, finalize, NULL, &external) == napi_ok) return external;
  poll_abandon(poll);
  return failed(env);
}

/* pollOpen(fd, callback(events), interests: Int32Array(2)): external, or a negative errno */
static napi_value js_poll_open(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  int32_t fd, *interests;
  size_t length;
  CHECK(env, get_int(env, args[0], &fd));
  CHECK(env, get_int32s(env, args[2], &interests, &length));
  if (length < 2) return int_value(env, -EINVAL);

  int error;
  struct poll *poll = poll_open(instance, fd, notify, &error);
  if (poll == NULL) return int_value(env, error);
  if (napi_create_reference(env, args[2], 1, &poll->interests_ref) != napi_ok ||
      napi_create_reference(env, args[1], 1, &poll->function) != napi_ok) {
    poll_abandon(poll);
    return failed(env);
  }
  poll->interests = interests;
  return poll_external(poll);
}

CHECKED static napi_status get_poll(napi_env env, napi_value value, struct poll **poll) {
  void *data;
  PASS_ON(napi_get_value_external(env, value, &data));
  *poll = data;
  return napi_ok;
}

/* pollUpdate(poll): applies interests that have changed outside of an event */
static napi_value js_poll_update(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  struct poll *poll;
  CHECK(env, get_poll(env, args[0], &poll));
  update(poll);
  return NULL;
}

/* pollClose(poll): must come before the close of the descriptor itself */
static napi_value js_poll_close(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  struct poll *poll;
  CHECK(env, get_poll(env, args[0], &poll));
  poll_close(poll);
  return NULL;
}

/* pollSpin(poll, microseconds) */
static napi_value js_poll_spin(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  struct poll *poll;
  int32_t microseconds;
  CHECK(env, get_poll(env, args[0], &poll));
  CHECK(env, get_int(env, args[1], &microseconds));
  poll_spin(poll, (uint64_t)microseconds * 1000);
  return NULL;
}

/* holdLoop(child, holds): sets whether a running child keeps the event loop alive */
static napi_value js_hold_loop(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  struct poll *poll;
  bool holds;
  CHECK(env, get_poll(env, args[0], &poll));
  CHECK(env, napi_get_value_bool(env, args[1], &holds));
  poll_want(poll, READABLE, holds);
  return NULL;
}

napi_status define_poll(struct instance *instance, napi_value exports) {
  static const struct function functions[] = {
      {"pollOpen", js_poll_open},   {"pollUpdate", js_poll_update}, {"pollClose", js_poll_close},
      {"pollSpin", js_poll_spin},   {"holdLoop", js_hold_loop},
  };
  return DEFINE_ALL(instance, exports, functions);
}
