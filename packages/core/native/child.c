/* Starting programs, and telling of their end. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aiopipe.h"
#include "system.h"

static char *string_of(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) return NULL;
  char *text = malloc(length + 1);
  if (text != NULL) napi_get_value_string_utf8(env, value, text, length + 1, &length);
  return text;
}

static void free_strings(char **strings) {
  for (char **string = strings; strings != NULL && *string != NULL; string++) free(*string);
  free(strings);
}

static char **strings_of(napi_env env, napi_value array) {
  uint32_t count = 0;
  napi_get_array_length(env, array, &count);
  char **strings = calloc((size_t)count + 1, sizeof(char *));
  for (uint32_t i = 0; strings != NULL && i < count; i++) {
    napi_value element;
    napi_get_element(env, array, i, &element);
    strings[i] = string_of(env, element);
    if (strings[i] == NULL) {
      free_strings(strings);
      return NULL;
    }
  }
  return strings;
}

static int64_t microseconds(struct timeval time) { return (int64_t)time.tv_sec * 1000000 + time.tv_usec; }

static void on_exit_fd(struct poll *poll, int events) {
  (void)events;
  int status = 0;
  struct rusage usage;
  memset(&usage, 0, sizeof(usage));
  int ended = sys_reap(poll->pid, &status, &usage);
  if (ended == 0) return;

  /* ECHILD: someone else in this process has waited for all children; what the status was is not to be had. */
  int code = ended < 0 ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  int signal = ended < 0 ? 0 : WIFSIGNALED(status) ? WTERMSIG(status) : 0;
#ifdef __APPLE__
  int64_t peak_bytes = usage.ru_maxrss; /* bytes there, kibibytes elsewhere: getrusage(2) */
#else
  int64_t peak_bytes = (int64_t)usage.ru_maxrss * 1024;
#endif
  struct instance *instance = poll->instance;
  napi_env env = instance->env;
  napi_handle_scope scope;
  napi_open_handle_scope(env, &scope);
  napi_value arguments[] = {int_value(env, code), int_value(env, signal), int_value(env, microseconds(usage.ru_utime)),
                            int_value(env, microseconds(usage.ru_stime)), int_value(env, peak_bytes)};
  /* The descriptor goes first: whoever hears of the end finds nothing left of the child. */
  napi_ref function = poll->function;
  poll->function = NULL;
  poll_close(poll);
  call_back(instance, function, 5, arguments);
  napi_delete_reference(env, function);
  napi_close_handle_scope(env, scope);
}

/*
 * spawn(candidates, argv, env | undefined for ours, cwd | undefined, fds: Int32Array of pairs, group, deathSignal, out: Int32Array,
 *       onExit(code, signal, userMicros, systemMicros, peakBytes)): external, or a negative errno
 * out[0] is the pid, or the stage that failed.
 */
static napi_value js_spawn(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 9);
  struct instance *instance = instance_of(env);
  char **candidates = strings_of(env, args[0]), **argv = strings_of(env, args[1]);
  napi_valuetype env_type;
  napi_typeof(env, args[2], &env_type);
  char **own_env = env_type == napi_undefined ? NULL : strings_of(env, args[2]);
  char **envp = env_type == napi_undefined ? environ : own_env;
  napi_valuetype cwd_type;
  napi_typeof(env, args[3], &cwd_type);
  char *cwd = cwd_type == napi_string ? string_of(env, args[3]) : NULL;

  void *fds = NULL, *out = NULL;
  size_t fds_length = 0, out_length = 0;
  napi_get_typedarray_info(env, args[4], NULL, &fds_length, &fds, NULL, NULL);
  napi_get_typedarray_info(env, args[7], NULL, &out_length, &out, NULL, NULL);

  enum sys_spawn_stage stage = SYS_STAGE_FORK;
  int exit_fd = -1;
  pid_t pid = -UV_EINVAL;
  if (candidates == NULL || argv == NULL || envp == NULL || out_length < 1) {
    pid = UV_ENOMEM;
  } else {
    struct sys_spawn spawn = {
        .candidates = candidates,
        .argv = argv,
        .env = envp,
        .cwd = cwd,
        .fds = fds,
        .fd_count = fds_length / 2,
        .group = int_argument(env, args[5]),
        .death_signal = int_argument(env, args[6]),
    };
    pid = sys_spawn(&spawn, &exit_fd, &stage);
  }
  free_strings(candidates);
  free_strings(argv);
  free_strings(own_env);
  free(cwd);
  if (pid < 0) {
    if (out_length >= 1) *(int32_t *)out = stage;
    return int_value(env, pid);
  }

  int error;
  struct poll *poll = poll_open(instance, exit_fd, on_exit_fd, &error);
  if (poll == NULL) {
    int status;
    sys_kill(pid, 9);
    waitpid(pid, &status, 0);
    sys_close(exit_fd);
    *(int32_t *)out = SYS_STAGE_FORK;
    return int_value(env, error);
  }
  poll->exit_fd = exit_fd;
  poll->pid = pid;
  napi_create_reference(env, args[8], 1, &poll->function);
  poll_want(poll, UV_READABLE, true);
  *(int32_t *)out = pid;

  napi_value external;
  napi_create_external(env, poll, poll_finalize, NULL, &external);
  return external;
}

/* holdLoop(child, holds): whether a child that runs keeps the event loop alive */
static napi_value js_hold_loop(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  void *poll = NULL;
  bool holds = false;
  napi_get_value_external(env, args[0], &poll);
  napi_get_value_bool(env, args[1], &holds);
  poll_want(poll, UV_READABLE, holds);
  return NULL;
}

void define_child(napi_env env, napi_value exports) {
  DEFINE(env, exports, "spawn", js_spawn);
  DEFINE(env, exports, "holdLoop", js_hold_loop);
}
