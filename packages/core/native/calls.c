/* The system calls as JavaScript functions: numbers in, a result or a negative errno out. */
#include <stdlib.h>
#include <string.h>

#include "aiopipe.h"
#include "system.h"

static char *bytes_of(napi_env env, napi_value value, size_t *length) {
  void *data = NULL;
  *length = 0;
  napi_get_buffer_info(env, value, &data, length);
  return data;
}

static int32_t *int32s_of(napi_env env, napi_value value, size_t *length) {
  void *data = NULL;
  *length = 0;
  napi_get_typedarray_info(env, value, NULL, length, &data, NULL, NULL);
  return data;
}

static napi_value fill_pair(napi_env env, napi_value target, const int fds[2], int error) {
  size_t length;
  int32_t *out = int32s_of(env, target, &length);
  if (error == 0 && length >= 2) {
    for (int i = 0; i < 2; i++) {
      out[i] = fds[i];
      note_fd(instance_of(env), fds[i]);
    }
  }
  return int_value(env, error);
}

/* pipe(out: Int32Array, capacity) */
static napi_value js_pipe(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  int fds[2] = {-1, -1};
  int error = sys_pipe(fds, int_argument(env, args[1]));
  return fill_pair(env, args[0], fds, error);
}

/* socketpair(out: Int32Array, bufferSize) */
static napi_value js_socketpair(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  int fds[2] = {-1, -1};
  int error = sys_socketpair(fds, int_argument(env, args[1]));
  return fill_pair(env, args[0], fds, error);
}

/* read(fd, bytes, offset, length, isSocket) */
static napi_value js_read(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 5);
  size_t size;
  char *bytes = bytes_of(env, args[1], &size);
  int32_t fd = int_argument(env, args[0]);
  size_t offset = (size_t)int_argument(env, args[2]), length = (size_t)int_argument(env, args[3]);
  bool is_socket = false;
  napi_get_value_bool(env, args[4], &is_socket);
  if (offset > size || length > size - offset) return int_value(env, UV_EINVAL);
  return int_value(env, is_socket ? sys_receive(fd, bytes + offset, length) : sys_read(fd, bytes + offset, length));
}

/* receive(fd, bytes, offset, length, passed: Int32Array): passed[0] is how many fds follow it, or -1 if some were lost */
static napi_value js_receive(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 5);
  size_t size, room;
  char *bytes = bytes_of(env, args[1], &size);
  int32_t *passed = int32s_of(env, args[4], &room);
  size_t offset = (size_t)int_argument(env, args[2]), length = (size_t)int_argument(env, args[3]);
  if (offset > size || length > size - offset || room <= SYS_MAX_PASSED_FDS) return int_value(env, UV_EINVAL);
  int count = 0;
  ssize_t result = sys_receive_with_fds(int_argument(env, args[0]), bytes + offset, length, passed + 1, &count);
  passed[0] = count;
  for (int i = 1; i <= count; i++) note_fd(instance_of(env), passed[i]);
  return int_value(env, result);
}

/* As many parts as one call gathers; the rest is for the next. IOV_MAX is 1024 on the systems that we know. */
#define MAX_PARTS 1024

/* write(fd, bytes, offset, length, isSocket) */
static napi_value js_write(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 5);
  size_t size;
  char *bytes = bytes_of(env, args[1], &size);
  int32_t fd = int_argument(env, args[0]);
  size_t offset = (size_t)int_argument(env, args[2]), length = (size_t)int_argument(env, args[3]);
  bool is_socket = false;
  napi_get_value_bool(env, args[4], &is_socket);
  if (offset > size || length > size - offset) return int_value(env, UV_EINVAL);
  struct iovec part = {.iov_base = bytes + offset, .iov_len = length};
  return int_value(env, is_socket ? sys_send(fd, &part, 1, NULL, 0) : sys_write(fd, &part, 1));
}

/* writeParts(fd, parts: Buffer[], offset in the first, isSocket, passed: Int32Array | undefined) */
static napi_value js_write_parts(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 5);
  struct iovec parts[MAX_PARTS];
  uint32_t count = 0;
  napi_get_array_length(env, args[1], &count);
  if (count > MAX_PARTS) count = MAX_PARTS;
  for (uint32_t i = 0; i < count; i++) {
    napi_value part;
    napi_get_element(env, args[1], i, &part);
    parts[i].iov_base = bytes_of(env, part, &parts[i].iov_len);
  }
  size_t offset = (size_t)int_argument(env, args[2]);
  if (count == 0 || offset > parts[0].iov_len) return int_value(env, UV_EINVAL);
  parts[0].iov_base = (char *)parts[0].iov_base + offset;
  parts[0].iov_len -= offset;

  bool is_socket = false;
  napi_get_value_bool(env, args[3], &is_socket);
  size_t passed_count = 0;
  int32_t *passed = int32s_of(env, args[4], &passed_count);
  int32_t fd = int_argument(env, args[0]);
  return int_value(env, is_socket ? sys_send(fd, parts, (int)count, passed, (int)passed_count)
                                  : sys_write(fd, parts, (int)count));
}

#define ONE_INT_CALL(js_name, call)                                    \
  static napi_value js_name(napi_env env, napi_callback_info info) {   \
    ARGUMENTS(env, info, 1);                                           \
    return int_value(env, call(int_argument(env, args[0])));           \
  }

#define TWO_INT_CALL(js_name, call)                                                                \
  static napi_value js_name(napi_env env, napi_callback_info info) {                               \
    ARGUMENTS(env, info, 2);                                                                       \
    return int_value(env, call(int_argument(env, args[0]), int_argument(env, args[1])));           \
  }

ONE_INT_CALL(js_describe, sys_describe)
ONE_INT_CALL(js_duplicate, sys_duplicate)
ONE_INT_CALL(js_set_close_on_exec, sys_set_close_on_exec)
TWO_INT_CALL(js_shutdown, sys_shutdown)
TWO_INT_CALL(js_set_nonblocking, sys_set_nonblocking)
TWO_INT_CALL(js_kill, sys_kill)
TWO_INT_CALL(js_wait_writable, sys_wait_writable)
TWO_INT_CALL(js_watch_lifeline, sys_watch_lifeline)
TWO_INT_CALL(js_reopen_nonblocking, sys_reopen_nonblocking)

static napi_value js_fd_limit(napi_env env, napi_callback_info info) {
  (void)info;
  return int_value(env, sys_fd_limit());
}

static napi_value js_close(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  int32_t fd = int_argument(env, args[0]);
  forget_fd(instance_of(env), fd);
  return int_value(env, sys_close(fd));
}

/* own(fd, weight): the weight, in bytes, has a collection come before dropped ends have used up the descriptors */
static napi_value js_own(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  int64_t total;
  note_fd(instance_of(env), int_argument(env, args[0]));
  napi_adjust_external_memory(env, int_argument(env, args[1]), &total);
  return NULL;
}

/* disown(fd, weight): it is somebody else's to close now */
static napi_value js_disown(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  int64_t total;
  forget_fd(instance_of(env), int_argument(env, args[0]));
  napi_adjust_external_memory(env, -int_argument(env, args[1]), &total);
  return NULL;
}

void define_calls(napi_env env, napi_value exports) {
  DEFINE(env, exports, "pipe", js_pipe);
  DEFINE(env, exports, "socketpair", js_socketpair);
  DEFINE(env, exports, "read", js_read);
  DEFINE(env, exports, "receive", js_receive);
  DEFINE(env, exports, "write", js_write);
  DEFINE(env, exports, "writeParts", js_write_parts);
  DEFINE(env, exports, "close", js_close);
  DEFINE(env, exports, "describe", js_describe);
  DEFINE(env, exports, "duplicate", js_duplicate);
  DEFINE(env, exports, "setCloseOnExec", js_set_close_on_exec);
  DEFINE(env, exports, "setNonblocking", js_set_nonblocking);
  DEFINE(env, exports, "reopenNonblocking", js_reopen_nonblocking);
  DEFINE(env, exports, "fdLimit", js_fd_limit);
  DEFINE(env, exports, "shutdown", js_shutdown);
  DEFINE(env, exports, "kill", js_kill);
  DEFINE(env, exports, "waitWritable", js_wait_writable);
  DEFINE(env, exports, "watchLifeline", js_watch_lifeline);
  DEFINE(env, exports, "own", js_own);
  DEFINE(env, exports, "disown", js_disown);
}
