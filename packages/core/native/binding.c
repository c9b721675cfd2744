/* The binding as a whole: the instance of each environment, and its end. */
#include "aiopipe.h"

#include <stdlib.h>

#include "guard.h"
#include "system.h"

void call_back(struct instance *instance, napi_ref function, size_t count, const napi_value *arguments) {
  napi_env env = instance->env;
  napi_value callable, receiver, error;
  if (instance->is_shutting_down) return;
  if (napi_get_reference_value(env, function, &callable) != napi_ok || callable == NULL) return;
  if (napi_get_global(env, &receiver) != napi_ok) return;
  napi_status status = instance->poller->call(instance, receiver, callable, count, arguments);
  if (status == napi_pending_exception && napi_get_and_clear_last_exception(env, &error) == napi_ok)
    ignore(napi_fatal_exception(env, error));
}

void note_fd(struct instance *instance, int fd) {
  size_t word = (size_t)fd / 64;
  /* Stdio belongs to the process, never to one thread alone. */
  if (fd <= 2) return;
  if (word >= instance->owned_words) {
    size_t words = word + 16;
    uint64_t *larger = realloc(instance->owned_fds, words * sizeof(uint64_t));
    if (larger == NULL) return;
    for (size_t i = instance->owned_words; i < words; i++) larger[i] = 0;
    instance->owned_fds = larger;
    instance->owned_words = words;
  }
  instance->owned_fds[word] |= (uint64_t)1 << (fd % 64);
}

void forget_fd(struct instance *instance, int fd) {
  size_t word = (size_t)fd / 64;
  if (fd >= 0 && word < instance->owned_words) instance->owned_fds[word] &= ~((uint64_t)1 << (fd % 64));
}

static void close_owned_fds(struct instance *instance) {
  for (size_t word = 0; word < instance->owned_words; word++)
    for (int bit = 0; bit < 64; bit++)
      if (instance->owned_fds[word] >> bit & 1) sys_close((int)word * 64 + bit);
  instance->owned_words = 0;
}

void instance_end(struct instance *instance) {
  instance->is_shutting_down = true;
  if (!instance->is_main) sys_guard_end_owned(instance);
  struct poll *poll = instance->polls;
  while (poll != NULL) {
    struct poll *next = poll->next;
    poll_close(poll);
    poll = next;
  }
  memory_end(instance);
  if (!instance->is_main) close_owned_fds(instance);
}

static void free_instance(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  struct instance *instance = data;
  free(instance->owned_fds);
  free(instance);
}

napi_status define_all(struct instance *instance, napi_value exports, const struct function *functions,
                       size_t count) {
  napi_env env = instance->env;
  for (size_t i = 0; i < count; i++) {
    napi_value value;
    PASS_ON(napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, instance, &value));
    PASS_ON(napi_set_named_property(env, exports, functions[i].name, value));
  }
  return napi_ok;
}

/*
 * Bun has no libuv, and its stand-in ends the process. Deno has half of it. Both name themselves in `process.versions`, and other
 * runtimes with Node-API are Node.js within another program.
 */
CHECKED static napi_status choose_poller(napi_env env, const struct poller **poller) {
#ifdef AIOPIPE_POLL_BY_THREAD /* for tests: on Node.js, too */
  (void)env;
  *poller = &poller_thread;
#else
  napi_value global, process, versions;
  bool is_bun, is_deno;
  PASS_ON(napi_get_global(env, &global));
  PASS_ON(napi_get_named_property(env, global, "process", &process));
  PASS_ON(napi_get_named_property(env, process, "versions", &versions));
  PASS_ON(napi_has_named_property(env, versions, "bun", &is_bun));
  PASS_ON(napi_has_named_property(env, versions, "deno", &is_deno));
  *poller = is_bun || is_deno ? &poller_thread : &poller_uv;
#endif
  return napi_ok;
}

static napi_status init(struct instance *instance, napi_value exports) {
  PASS_ON(choose_poller(instance->env, &instance->poller));
  PASS_ON(instance->poller->begin(instance));
  PASS_ON(define_calls(instance, exports));
  PASS_ON(define_local(instance, exports));
  PASS_ON(define_poll(instance, exports));
  PASS_ON(define_memory(instance, exports));
  PASS_ON(define_child(instance, exports));
  return napi_ok;
}

NAPI_MODULE_INIT() {
  struct instance *instance = calloc(1, sizeof(*instance));
  if (instance == NULL) return failed(env);
  instance->env = env;
  if (napi_set_instance_data(env, instance, free_instance, NULL) != napi_ok) {
    free(instance);
    return failed(env);
  }
  CHECK(env, init(instance, exports));
  sys_ignore_broken_pipe_signal();
  return exports;
}
