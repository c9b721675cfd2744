/* The system calls as JavaScript functions. They take numbers, and return a result or a negative errno. */
#include <stdlib.h>
#include <string.h>

#include "aiopipe.h"
#include "system.h"

/* Makes two descriptors. Checks first that there is memory for their numbers, so that none can be lost. */
static napi_value make_pair(struct instance *instance, const napi_value args[2], int (*make)(int fds[2], int size)) {
  napi_env env = instance->env;
  int32_t *out, size;
  size_t length;
  CHECK(env, get_int32s(env, args[0], &out, &length));
  CHECK(env, get_int(env, args[1], &size));
  if (length < 2) return int_value(env, -EINVAL);
  int fds[2] = {-1, -1};
  int error = make(fds, size);
  for (int i = 0; i < 2 && error == 0; i++) {
    note_fd(instance, fds[i]);
    out[i] = fds[i];
  }
  return int_value(env, error);
}

/* pipe(out: Int32Array, capacity) */
static napi_value js_pipe(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  return make_pair(instance, args, sys_pipe);
}

/* socketpair(out: Int32Array, bufferSize) */
static napi_value js_socketpair(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  return make_pair(instance, args, sys_socketpair);
}

/* terminal(out: Int32Array, columns, rows): the master, and the program's end */
static napi_value js_terminal(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  int32_t *out, columns, rows;
  size_t length;
  CHECK(env, get_int32s(env, args[0], &out, &length));
  CHECK(env, get_int(env, args[1], &columns));
  CHECK(env, get_int(env, args[2], &rows));
  if (length < 2) return int_value(env, -EINVAL);
  int fds[2];
  int error = sys_terminal(fds, columns, rows);
  for (int i = 0; i < 2 && error == 0; i++) {
    note_fd(instance, fds[i]);
    out[i] = fds[i];
  }
  return int_value(env, error);
}

/* setTerminalSize(master, columns, rows) */
static napi_value js_set_terminal_size(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  int32_t master, columns, rows;
  CHECK(env, get_int(env, args[0], &master));
  CHECK(env, get_int(env, args[1], &columns));
  CHECK(env, get_int(env, args[2], &rows));
  return int_value(env, sys_set_terminal_size(master, columns, rows));
}

/* Takes an `enum sys_how`, or a boolean: whether the descriptor is a socket. */
CHECKED static napi_status get_how(napi_env env, napi_value value, int32_t *how) {
  bool is_socket;
  if (get_int(env, value, how) == napi_ok) return napi_ok;
  PASS_ON(napi_get_value_bool(env, value, &is_socket));
  *how = is_socket ? SYS_SOCKET : SYS_OWN;
  return napi_ok;
}

/* read(fd, bytes, offset, length, how) */
static napi_value js_read(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 5);
  int32_t fd, how;
  char *bytes;
  size_t length;
  CHECK(env, get_int(env, args[0], &fd));
  CHECK(env, get_part(env, args + 1, &bytes, &length));
  CHECK(env, get_how(env, args[4], &how));
  if (bytes == NULL) return int_value(env, -EFAULT);
  return int_value(env, sys_read(fd, bytes, length, (enum sys_how)how));
}

/* receive(fd, bytes, offset, length, passed: Int32Array): passed[0] is how many descriptors follow it, or -1 if some were lost */
static napi_value js_receive(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 5);
  int32_t fd, *passed;
  char *bytes;
  size_t length, room;
  CHECK(env, get_int(env, args[0], &fd));
  CHECK(env, get_part(env, args + 1, &bytes, &length));
  CHECK(env, get_int32s(env, args[4], &passed, &room));
  if (bytes == NULL) return int_value(env, -EFAULT);
  if (room <= SYS_MAX_PASSED_FDS) return int_value(env, -EINVAL);
  int count = 0;
  ssize_t result = sys_receive_with_fds(fd, bytes, length, passed + 1, &count);
  passed[0] = count;
  for (int i = 1; i <= count; i++) note_fd(instance, passed[i]);
  return int_value(env, result);
}

/* The most parts that one call gathers; the next call writes the rest. IOV_MAX is 1024 on Linux and macOS. */
#define MAX_PARTS 1024

/* write(fd, bytes, offset, length, how) */
static napi_value js_write(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 5);
  int32_t fd, how;
  char *bytes;
  size_t length;
  CHECK(env, get_int(env, args[0], &fd));
  CHECK(env, get_part(env, args + 1, &bytes, &length));
  CHECK(env, get_how(env, args[4], &how));
  if (bytes == NULL) return int_value(env, -EFAULT);
  struct iovec part = {.iov_base = bytes, .iov_len = length};
  return int_value(env, sys_write(fd, &part, 1, (enum sys_how)how));
}

CHECKED static napi_status get_parts(napi_env env, napi_value array, struct iovec *parts, uint32_t *count) {
  napi_value elements[MAX_PARTS];
  PASS_ON(napi_get_array_length(env, array, count));
  if (*count > MAX_PARTS) *count = MAX_PARTS;
  /* A getter among the elements could free the memory of another element. So all getters run first. */
  for (uint32_t i = 0; i < *count; i++) PASS_ON(napi_get_element(env, array, i, &elements[i]));
  for (uint32_t i = 0; i < *count; i++) {
    char *bytes;
    PASS_ON(get_bytes(env, elements[i], &bytes, &parts[i].iov_len));
    parts[i].iov_base = bytes;
  }
  return napi_ok;
}

/* writeParts(fd, parts: Buffer[], offset in the first, how, passed: Int32Array | undefined) */
static napi_value js_write_parts(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 5);
  int32_t fd, how, *passed = NULL;
  int64_t offset;
  struct iovec parts[MAX_PARTS];
  uint32_t count;
  size_t passed_count = 0;
  napi_valuetype passed_type;
  CHECK(env, get_int(env, args[0], &fd));
  CHECK(env, get_parts(env, args[1], parts, &count));
  CHECK(env, napi_get_value_int64(env, args[2], &offset));
  CHECK(env, get_how(env, args[3], &how));
  CHECK(env, napi_typeof(env, args[4], &passed_type));
  if (passed_type != napi_undefined) CHECK(env, get_int32s(env, args[4], &passed, &passed_count));
  if (count == 0 || offset < 0) return int_value(env, -EINVAL);
  if ((uint64_t)offset > parts[0].iov_len) return int_value(env, -EFAULT);
  parts[0].iov_base = (char *)parts[0].iov_base + offset;
  parts[0].iov_len -= (size_t)offset;
  /* No part was empty when it was queued: another thread has got the memory of this one since. */
  for (uint32_t i = 0; i < count; i++)
    if (parts[i].iov_len == 0) return int_value(env, -EFAULT);
  return int_value(env, passed_count > 0 ? sys_send_with_fds(fd, parts, (int)count, passed, (int)passed_count)
                                         : sys_write(fd, parts, (int)count, (enum sys_how)how));
}

#define ONE_INT_CALL(js_name, call)                                    \
  static napi_value js_name(napi_env env, napi_callback_info info) {   \
    ARGUMENTS(env, info, 1);                                           \
    int32_t number;                                                    \
    CHECK(env, get_int(env, args[0], &number));                        \
    return int_value(env, call(number));                               \
  }

#define TWO_INT_CALL(js_name, call)                                    \
  static napi_value js_name(napi_env env, napi_callback_info info) {   \
    ARGUMENTS(env, info, 2);                                           \
    int32_t one, other;                                                \
    CHECK(env, get_int(env, args[0], &one));                           \
    CHECK(env, get_int(env, args[1], &other));                         \
    return int_value(env, call(one, other));                           \
  }

ONE_INT_CALL(js_describe, sys_describe)
ONE_INT_CALL(js_is_hung_up, sys_is_hung_up)
ONE_INT_CALL(js_set_close_on_exec, sys_set_close_on_exec)
ONE_INT_CALL(js_reap, sys_reap_ended)
ONE_INT_CALL(js_process_mark, sys_process_mark)
TWO_INT_CALL(js_shutdown, sys_shutdown)
TWO_INT_CALL(js_set_nonblocking, sys_set_nonblocking)
TWO_INT_CALL(js_kill, sys_kill)
TWO_INT_CALL(js_wait_writable, sys_wait_writable)
TWO_INT_CALL(js_watch_lifeline, sys_watch_lifeline)
TWO_INT_CALL(js_reopen_nonblocking, sys_reopen_nonblocking)

static napi_value js_duplicate(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  int32_t fd;
  CHECK(env, get_int(env, args[0], &fd));
  int result = sys_duplicate(fd);
  if (result >= 0) note_fd(instance, result);
  return int_value(env, result);
}

static napi_value js_fd_limit(napi_env env, napi_callback_info info) {
  (void)info;
  return int_value(env, sys_fd_limit());
}

static napi_value js_close(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  int32_t fd;
  CHECK(env, get_int(env, args[0], &fd));
  forget_fd(instance, fd);
  return int_value(env, sys_close(fd));
}

/* Tells V8 of memory outside of its heap. V8 ends the process if it is told of less than none: wrong weights must not do that. */
CHECKED static napi_status add_weight(struct instance *instance, int64_t bytes) {
  int64_t total;
  if (bytes < -instance->weight) bytes = -instance->weight;
  instance->weight += bytes;
  return napi_adjust_external_memory(instance->env, bytes, &total);
}

/*
 * closeOwned(fd, weight): disown() and close() in one call. terminate() can end a thread between two calls, and the descriptor would have
 * no owner then.
 */
static napi_value js_close_owned(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  int32_t fd, weight;
  CHECK(env, get_int(env, args[0], &fd));
  CHECK(env, get_int(env, args[1], &weight));
  forget_fd(instance, fd);
  int result = sys_close(fd);
  CHECK(env, add_weight(instance, -(int64_t)weight));
  return int_value(env, result);
}

/* own(fd, weight): the weight, in bytes, makes V8 collect dropped ends before they use up the descriptors */
static napi_value js_own(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  int32_t fd, weight;
  CHECK(env, get_int(env, args[0], &fd));
  CHECK(env, get_int(env, args[1], &weight));
  note_fd(instance, fd);
  CHECK(env, add_weight(instance, weight));
  return NULL;
}

/* disown(fd, weight): the caller must close it from now on */
static napi_value js_disown(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  int32_t fd, weight;
  CHECK(env, get_int(env, args[0], &fd));
  CHECK(env, get_int(env, args[1], &weight));
  forget_fd(instance, fd);
  CHECK(env, add_weight(instance, -(int64_t)weight));
  return NULL;
}

napi_status define_calls(struct instance *instance, napi_value exports) {
  static const struct function functions[] = {
      {"pipe", js_pipe},
      {"socketpair", js_socketpair},
      {"terminal", js_terminal},
      {"isHungUp", js_is_hung_up},
      {"setTerminalSize", js_set_terminal_size},
      {"read", js_read},
      {"receive", js_receive},
      {"write", js_write},
      {"writeParts", js_write_parts},
      {"close", js_close},
      {"closeOwned", js_close_owned},
      {"describe", js_describe},
      {"duplicate", js_duplicate},
      {"setCloseOnExec", js_set_close_on_exec},
      {"setNonblocking", js_set_nonblocking},
      {"reopenNonblocking", js_reopen_nonblocking},
      {"fdLimit", js_fd_limit},
      {"shutdown", js_shutdown},
      {"kill", js_kill},
      {"reap", js_reap},
      {"waitWritable", js_wait_writable},
      {"watchLifeline", js_watch_lifeline},
      {"processMark", js_process_mark},
      {"own", js_own},
      {"disown", js_disown},
  };
  return DEFINE_ALL(instance, exports, functions);
}
