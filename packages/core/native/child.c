/* Starting programs, and reporting their end. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "aiopipe.h"
#include "guard.h"
#include "system.h"

/* Each returns NULL if memory or Node-API fails. The caller owns the result. */
static char *string_of(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) return NULL;
  char *text = malloc(length + 1);
  if (text == NULL || napi_get_value_string_utf8(env, value, text, length + 1, &length) == napi_ok) return text;
  free(text);
  return NULL;
}

static void free_strings(char **strings) {
  for (char **string = strings; strings != NULL && *string != NULL; string++) free(*string);
  free(strings);
}

static char **strings_of(napi_env env, napi_value array) {
  uint32_t count = 0;
  if (napi_get_array_length(env, array, &count) != napi_ok) return NULL;
  char **strings = calloc((size_t)count + 1, sizeof(char *));
  for (uint32_t i = 0; strings != NULL && i < count; i++) {
    napi_value element;
    if (napi_get_element(env, array, i, &element) == napi_ok) strings[i] = string_of(env, element);
    if (strings[i] == NULL) {
      free_strings(strings);
      return NULL;
    }
  }
  return strings;
}

static int64_t microseconds(struct timeval time) { return (int64_t)time.tv_sec * 1000000 + time.tv_usec; }

static void report_end(struct instance *instance, napi_ref function, const int64_t numbers[5]) {
  napi_env env = instance->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value arguments[5];
  bool is_whole = true;
  for (int i = 0; i < 5; i++) {
    arguments[i] = int_value(env, numbers[i]);
    if (arguments[i] == NULL) is_whole = false;
  }
  if (is_whole) call_back(instance, function, 5, arguments);
  ignore(napi_close_handle_scope(env, scope));
}

static void on_exit_fd(struct poll *poll, int events) {
  (void)events;
  int status = 0;
  struct rusage usage;
  memset(&usage, 0, sizeof(usage));
  int ended = sys_reap(poll->pid, &status, &usage);
  if (ended == 0) return;

  /* ECHILD: other code of this process has waited for all children, and has the status. */
  int code = ended < 0 ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  int signal = ended < 0 ? 0 : WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  int64_t numbers[] = {code, signal, microseconds(usage.ru_utime), microseconds(usage.ru_stime),
                       sys_peak_bytes(&usage)};

  /* The descriptor closes first, so that the callback finds nothing left of the child. */
  struct instance *instance = poll->instance;
  napi_ref function = poll->function;
  poll->function = NULL;
  poll_close(poll);
  report_end(instance, function, numbers);
  ignore(napi_delete_reference(instance->env, function));
}

/* How the guard treats a program that outlives this process. spawn.ts has the same numbers. */
enum { GUARD_NONE, GUARD_PROGRAM, GUARD_CHAIN };

void child_unguard(struct poll *poll) {
  if (poll->guarded != NULL) sys_guard_leave(poll->guarded);
  poll->guarded = NULL;
}

/* Takes the limits from an array: SYS_LIMITS values, and the ids of the groups. `*groups` is the caller's to free. */
CHECKED static napi_status get_limits(napi_env env, napi_value value, struct sys_limits *limits, gid_t **groups) {
  double *values;
  size_t count;
  PASS_ON(get_doubles(env, value, &values, &count));
  if (count < SYS_LIMITS) return napi_invalid_arg;
  limits->values = values;
  size_t group_count = count - SYS_LIMITS;
  *groups = malloc(sizeof(gid_t) * (group_count + 1));
  if (*groups == NULL) return napi_generic_failure;
  for (size_t i = 0; i < group_count; i++) (*groups)[i] = (gid_t)values[SYS_LIMITS + i];
  limits->groups = *groups;
  /* NaN is no number of groups, either. */
  return isnan(values[SYS_LIMIT_GROUPS]) || values[SYS_LIMIT_GROUPS] == (double)group_count ? napi_ok : napi_invalid_arg;
}

/*
 * Takes a start's data from the arguments. The caller must call free_spawn() afterwards, also if this fails. JavaScript's memory comes
 * last: a getter among an array's elements could free it.
 */
CHECKED static napi_status get_spawn(napi_env env, const napi_value *args, struct sys_spawn *spawn, char ***own_env,
                                     int *guard, int *kill_after, int32_t **out) {
  napi_valuetype env_type, cwd_type;
  int32_t *fds;
  size_t length, out_length;
  PASS_ON(napi_typeof(env, args[2], &env_type));
  PASS_ON(napi_typeof(env, args[3], &cwd_type));
  PASS_ON(get_int(env, args[5], &spawn->group));
  PASS_ON(get_int(env, args[6], &spawn->death_signal));
  PASS_ON(get_int(env, args[9], guard));
  PASS_ON(get_int(env, args[10], kill_after));
  spawn->candidates = strings_of(env, args[0]);
  spawn->argv = strings_of(env, args[1]);
  if (env_type != napi_undefined) *own_env = strings_of(env, args[2]);
  spawn->env = env_type == napi_undefined ? sys_environment() : *own_env;
  spawn->cwd = cwd_type == napi_undefined ? NULL : string_of(env, args[3]);
  bool is_whole = spawn->candidates != NULL && spawn->argv != NULL && spawn->env != NULL &&
                  (spawn->cwd != NULL || cwd_type == napi_undefined);
  if (!is_whole) return napi_generic_failure;
  PASS_ON(get_int32s(env, args[4], &fds, &length));
  PASS_ON(get_int32s(env, args[7], out, &out_length));
  spawn->fds = fds;
  spawn->fd_count = length / 2;
  return out_length > 0 ? napi_ok : napi_invalid_arg;
}

static void free_spawn(struct sys_spawn *spawn, char **own_env) {
  free_strings((char **)spawn->candidates);
  free_strings((char **)spawn->argv);
  free_strings(own_env);
  free((char *)spawn->cwd);
}

/* Ends a program for which JavaScript will get no handle. */
static void end_unheard(pid_t pid) {
  sys_kill(pid, SIGKILL);
  sys_reap_later(pid);
}

/*
 * spawn(candidates, argv, env | undefined for ours, cwd | undefined, fds: Int32Array of pairs, group, deathSignal, out: Int32Array,
 *       onExit(code, signal, userMicros, systemMicros, peakBytes), guard: GUARD_, killAfter, limits: Float64Array | undefined): external,
 *       or a negative errno
 * Sets out[0] to the pid, or to the stage that failed.
 */
static napi_value js_spawn(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 12);
  int32_t *out;
  struct sys_spawn spawn = {0};
  struct sys_limits limits;
  gid_t *groups = NULL;
  napi_valuetype limits_type = napi_undefined;
  char **own_env = NULL;
  napi_ref function = NULL;
  int guard, kill_after;
  napi_status status = get_spawn(env, args, &spawn, &own_env, &guard, &kill_after, &out);
  if (status == napi_ok) status = napi_typeof(env, args[11], &limits_type);
  if (status == napi_ok && limits_type != napi_undefined) {
    spawn.limits = &limits;
    status = get_limits(env, args[11], &limits, &groups);
  }
  if (status == napi_ok) status = napi_create_reference(env, args[8], 1, &function);
  if (status != napi_ok) {
    free_spawn(&spawn, own_env);
    free(groups);
    return failed(env);
  }

  enum sys_spawn_stage stage = SYS_STAGE_GUARD;
  int exit_fd = -1, error = 0;
  if (guard != GUARD_NONE)
    spawn.guarded = sys_guard_enter(instance, guard == GUARD_CHAIN, kill_after, &error);
  pid_t pid = error != 0 ? error : sys_spawn(&spawn, &exit_fd, &stage);
  free_spawn(&spawn, own_env);
  free(groups);
  struct poll *poll = pid < 0 ? NULL : poll_open(instance, exit_fd, on_exit_fd, &error);
  if (poll == NULL) {
    if (pid < 0) {
      error = pid;
    } else {
      end_unheard(pid);
      sys_close(exit_fd);
      stage = SYS_STAGE_FORK;
    }
    if (spawn.guarded != NULL) sys_guard_leave(spawn.guarded);
    ignore(napi_delete_reference(env, function));
    out[0] = (int32_t)stage;
    return int_value(env, error);
  }
  poll->exit_fd = exit_fd;
  poll->pid = pid;
  poll->function = function;
  poll->guarded = spawn.guarded;
  poll->keeps_guard = guard == GUARD_CHAIN;
  poll_want(poll, READABLE, true);
  out[0] = pid;
  napi_value external = poll_external(poll);
  if (external == NULL) {
    /* Without a handle, the end of the child tells the guard nothing. A program's entry has left with its poll. */
    if (spawn.guarded != NULL && guard == GUARD_CHAIN) sys_guard_leave(spawn.guarded);
    end_unheard(pid);
  }
  return external;
}

/* unguard(child): the child and its group live on if this process ends first */
static napi_value js_unguard(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  void *poll;
  CHECK(env, napi_get_value_external(env, args[0], &poll));
  child_unguard(poll);
  return NULL;
}

/* killAfter(child, milliseconds): sets the time between the end of this process and SIGKILL */
static napi_value js_kill_after(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  void *data;
  int milliseconds;
  CHECK(env, napi_get_value_external(env, args[0], &data));
  CHECK(env, get_int(env, args[1], &milliseconds));
  struct poll *poll = data;
  if (poll->guarded != NULL) poll->guarded->kill_after = milliseconds;
  return NULL;
}

napi_status define_child(struct instance *instance, napi_value exports) {
  static const struct function functions[] = {{"spawn", js_spawn}, {"unguard", js_unguard}, {"killAfter", js_kill_after}};
  return DEFINE_ALL(instance, exports, functions);
}
