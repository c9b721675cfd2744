/*
 * Waiting for descriptors by a thread, for runtimes without libuv. Each environment has a set of the armed descriptors, and a thread that
 * waits until one of them is ready. The thread then calls the environment's own thread, which asks the set for the ready ones, and waits
 * until that was done. So the thread never touches a poll, and no event can be on its way while a poll closes.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "aiopipe.h"
#include "retry.h"
#include "system.h"

/* Descriptors that one turn of the event loop serves. The others wait for the next turn. */
#define MOST_A_TURN 64

struct watcher {
  struct ready_set set; /* the armed descriptors */
  pthread_t thread;
  napi_threadsafe_function wake; /* runs take_turn() on the environment's thread */
  int holders;                   /* polls that keep the event loop alive */
  struct ready found[MOST_A_TURN]; /* the ready descriptors of this turn */
  int next, count;
  bool runs; /* the thread, with its set */
  int users; /* finalize() and clean_up() are still to come */

  pthread_mutex_t mutex; /* guards the rest */
  pthread_cond_t changed;
  bool is_turn; /* the environment's thread has been called, and has not served all that it found */
  bool is_ending;
};

static struct watcher *watcher_of(struct instance *instance) { return instance->watcher; }

/* --- The thread --- */

/* Begins a turn, or returns false: the environment ends. */
static bool begin_turn(struct watcher *watcher) {
  pthread_mutex_lock(&watcher->mutex);
  watcher->is_turn = !watcher->is_ending;
  bool result = watcher->is_turn;
  pthread_mutex_unlock(&watcher->mutex);
  return result;
}

static void wait_for_turn(struct watcher *watcher) {
  pthread_mutex_lock(&watcher->mutex);
  while (watcher->is_turn && !watcher->is_ending) pthread_cond_wait(&watcher->changed, &watcher->mutex);
  pthread_mutex_unlock(&watcher->mutex);
}

static void *watch(void *argument) {
  struct watcher *watcher = argument;
  for (;;) {
    struct pollfd entry = {.fd = watcher->set.fd, .events = POLLIN};
    poll_until(&entry, 1, -1);
    if (!begin_turn(watcher)) return NULL;
    /* It fails only after the environment has begun to end. */
    if (napi_call_threadsafe_function(watcher->wake, NULL, napi_tsfn_nonblocking) != napi_ok) return NULL;
    wait_for_turn(watcher);
  }
}

/* --- The environment's thread --- */

static void end_turn(struct watcher *watcher) {
  pthread_mutex_lock(&watcher->mutex);
  watcher->is_turn = false;
  pthread_cond_signal(&watcher->changed);
  pthread_mutex_unlock(&watcher->mutex);
}

/* Serves one descriptor. Each other one of the turn gets a call of its own, so that promises settle between two of them, as on libuv's loop. */
static void take_turn(napi_env env, napi_value function, void *context, void *data) {
  struct watcher *watcher = context;
  (void)function;
  (void)data;
  if (env == NULL || !watcher->runs) return;
  if (watcher->next == watcher->count) {
    watcher->count = ready_take(&watcher->set, watcher->found, MOST_A_TURN);
    watcher->next = 0;
  }
  while (watcher->next < watcher->count) {
    struct ready ready = watcher->found[watcher->next++];
    if (ready.owner == NULL) continue; /* it was closed meanwhile */
    poll_report(ready.owner, ready.events);
    break;
  }
  if (!watcher->runs) return;
  if (watcher->next == watcher->count) end_turn(watcher);
  else ignore(napi_call_threadsafe_function(watcher->wake, NULL, napi_tsfn_nonblocking));
}

static void end_thread(struct watcher *watcher) {
  if (!watcher->runs) return;
  watcher->runs = false;
  pthread_mutex_lock(&watcher->mutex);
  watcher->is_ending = true;
  pthread_cond_signal(&watcher->changed);
  pthread_mutex_unlock(&watcher->mutex);
  ready_wake(&watcher->set);
  pthread_join(watcher->thread, NULL);
  ready_close(&watcher->set);
}

/* The runtime decides which comes first, its last call of take_turn() or clean_up(). Deno never says that the first has been. */
static void release(struct watcher *watcher) {
  watcher->users--;
  if (watcher->users > 0) return;
  pthread_cond_destroy(&watcher->changed);
  pthread_mutex_destroy(&watcher->mutex);
  free(watcher);
}

/* The runtime does not call take_turn() any more. */
static void finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  end_thread(data);
  release(data);
}

static void clean_up(void *data) {
  struct instance *instance = data;
  struct watcher *watcher = watcher_of(instance);
  instance_end(instance);
  end_thread(watcher);
  ignore(napi_release_threadsafe_function(watcher->wake, napi_tsfn_abort));
  release(watcher);
}

/* The thread gets no signals: handlers of other code must run in threads that expect them. */
static bool start_thread(struct watcher *watcher) {
  sigset_t all, before;
  if (ready_open(&watcher->set) != 0) return false;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  watcher->runs = pthread_create(&watcher->thread, NULL, watch, watcher) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!watcher->runs) ready_close(&watcher->set);
  return watcher->runs;
}

CHECKED static napi_status begin(struct instance *instance) {
  napi_env env = instance->env;
  napi_value name;
  PASS_ON(napi_create_string_utf8(env, "aiopipe", NAPI_AUTO_LENGTH, &name));
  struct watcher *watcher = calloc(1, sizeof(*watcher));
  if (watcher == NULL) return napi_generic_failure;
  pthread_mutex_init(&watcher->mutex, NULL);
  pthread_cond_init(&watcher->changed, NULL);
  watcher->users = 1;
  napi_status status = napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, watcher, finalize, watcher,
                                                       take_turn, &watcher->wake);
  if (status != napi_ok) {
    release(watcher);
    return status;
  }
  PASS_ON(napi_unref_threadsafe_function(env, watcher->wake));
  if (!start_thread(watcher)) return napi_generic_failure;
  instance->watcher = watcher;
  instance->is_main = is_first_thread();
  PASS_ON(napi_add_env_cleanup_hook(env, clean_up, instance));
  watcher->users++;
  return napi_ok;
}

/* --- Polls --- */

static int change(struct poll *poll, int before, int after) {
  return ready_change(&watcher_of(poll->instance)->set, poll->fd, before, after, poll);
}

static int check_fd(struct poll *poll) {
  int error = change(poll, 0, READABLE);
  return error != 0 ? error : change(poll, READABLE, 0);
}

static void arm(struct poll *poll, int events) { change(poll, poll->armed, events); }

static void hold(struct poll *poll, bool holds) {
  struct watcher *watcher = watcher_of(poll->instance);
  napi_env env = poll->instance->env;
  watcher->holders += holds ? 1 : -1;
  if (holds && watcher->holders == 1) ignore(napi_ref_threadsafe_function(env, watcher->wake));
  if (!holds && watcher->holders == 0) ignore(napi_unref_threadsafe_function(env, watcher->wake));
}

/* The loop belongs to the runtime, and cannot be kept from sleeping. */
static void spin(struct poll *poll, uint64_t nanoseconds) {
  (void)poll;
  (void)nanoseconds;
}

static void close_poll(struct poll *poll) {
  struct watcher *watcher = watcher_of(poll->instance);
  for (int i = watcher->next; i < watcher->count; i++)
    if (watcher->found[i].owner == poll) watcher->found[i].owner = NULL;
  poll_closed(poll);
}

/* take_turn() runs within a callback of the runtime: napi_make_callback() would be a second one, which ends some runtimes. */
CHECKED static napi_status call(struct instance *instance, napi_value receiver, napi_value function, size_t count,
                                const napi_value *arguments) {
  return napi_call_function(instance->env, receiver, function, count, arguments, NULL);
}

const struct poller poller_thread = {
    .begin = begin,
    .open = check_fd,
    .arm = arm,
    .hold = hold,
    .spin = spin,
    .close = close_poll,
    .call = call,
};
