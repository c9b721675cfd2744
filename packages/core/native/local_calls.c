/* The calls for sockets of this machine with a name, as JavaScript functions. */
#include <string.h>

#include "aiopipe.h"
#include "system.h"

/* The parts of an `Int32Array(5)` of src/fd/local-socket.ts: a stage, and the two numbers of a file. */
#define STAGE 0
#define FILE_ID 1
#define RESULT_LENGTH 5

CHECKED static napi_status get_name(napi_env env, napi_value value, char **name, size_t *length) {
  PASS_ON(get_bytes(env, value, name, length));
  if (*name == NULL) *length = 0;
  return napi_ok;
}

/* localListen(name: Buffer, mode, backlog, out: Int32Array(5)): the descriptor; `out` has the stage and the file */
static napi_value js_local_listen(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 4);
  char *name;
  size_t length, room;
  int32_t mode, backlog, *out;
  CHECK(env, get_name(env, args[0], &name, &length));
  CHECK(env, get_int(env, args[1], &mode));
  CHECK(env, get_int(env, args[2], &backlog));
  CHECK(env, get_int32s(env, args[3], &out, &room));
  if (room < RESULT_LENGTH || mode < 0 || mode > 0777) return int_value(env, -EINVAL);
  struct sys_listening listening;
  int fd = sys_listen_local(name, length, mode, backlog, &listening);
  if (fd >= 0) note_fd(instance, fd);
  out[STAGE] = (int32_t)listening.stage;
  memcpy(out + FILE_ID, &listening.file, sizeof(listening.file));
  return int_value(env, fd);
}

/* localUnlink(name: Buffer, out: Int32Array(5)) */
static napi_value js_local_unlink(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  char *name;
  size_t length, room;
  int32_t *out;
  CHECK(env, get_name(env, args[0], &name, &length));
  CHECK(env, get_int32s(env, args[1], &out, &room));
  if (room < RESULT_LENGTH) return int_value(env, -EINVAL);
  struct sys_file_id file;
  memcpy(&file, out + FILE_ID, sizeof(file));
  return int_value(env, sys_unlink_local(name, length, &file));
}

/* localConnect(name: Buffer, bufferSize): the descriptor */
static napi_value js_local_connect(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  char *name;
  size_t length;
  int32_t size;
  CHECK(env, get_name(env, args[0], &name, &length));
  CHECK(env, get_int(env, args[1], &size));
  int fd = sys_connect_local(name, length, size);
  if (fd >= 0) note_fd(instance, fd);
  return int_value(env, fd);
}

/* localAccept(fd, bufferSize, peer: Int32Array(3)): the descriptor; `peer` has pid, uid and gid */
static napi_value js_local_accept(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  int32_t listener, size, *out;
  size_t room;
  CHECK(env, get_int(env, args[0], &listener));
  CHECK(env, get_int(env, args[1], &size));
  CHECK(env, get_int32s(env, args[2], &out, &room));
  if (room < 3) return int_value(env, -EINVAL);
  struct sys_peer peer;
  int fd = sys_accept_local(listener, size, &peer);
  if (fd < 0) return int_value(env, fd);
  note_fd(instance, fd);
  out[0] = (int32_t)peer.pid;
  out[1] = (int32_t)peer.uid;
  out[2] = (int32_t)peer.gid;
  return int_value(env, fd);
}

napi_status define_local(struct instance *instance, napi_value exports) {
  static const struct function functions[] = {
      {"localListen", js_local_listen},
      {"localUnlink", js_local_unlink},
      {"localConnect", js_local_connect},
      {"localAccept", js_local_accept},
  };
  return DEFINE_ALL(instance, exports, functions);
}
