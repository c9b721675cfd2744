#include "checked.h"

napi_value failed(napi_env env) {
  bool is_pending = false;
  if (napi_is_exception_pending(env, &is_pending) == napi_ok && !is_pending)
    ignore(napi_throw_error(env, NULL, "@aiopipe/core: a call of Node-API failed in the native binding"));
  return NULL;
}

napi_value int_value(napi_env env, int64_t number) {
  napi_value value;
  CHECK(env, napi_create_int64(env, number, &value));
  return value;
}

napi_status get_int(napi_env env, napi_value value, int32_t *number) {
  return napi_get_value_int32(env, value, number);
}

napi_status get_bytes(napi_env env, napi_value value, char **bytes, size_t *length) {
  void *data;
  PASS_ON(napi_get_buffer_info(env, value, &data, length));
  *bytes = data;
  return napi_ok;
}

static CHECKED napi_status get_numbers(napi_env env, napi_value value, napi_typedarray_type type, void **numbers,
                                       size_t *count) {
  napi_typedarray_type its;
  PASS_ON(napi_get_typedarray_info(env, value, &its, count, numbers, NULL, NULL));
  return its == type ? napi_ok : napi_invalid_arg;
}

napi_status get_int32s(napi_env env, napi_value value, int32_t **numbers, size_t *count) {
  void *data;
  PASS_ON(get_numbers(env, value, napi_int32_array, &data, count));
  *numbers = data;
  return napi_ok;
}

napi_status get_doubles(napi_env env, napi_value value, double **numbers, size_t *count) {
  void *data;
  PASS_ON(get_numbers(env, value, napi_float64_array, &data, count));
  *numbers = data;
  return napi_ok;
}

napi_status get_part(napi_env env, const napi_value arguments[3], char **part, size_t *length) {
  char *bytes;
  size_t size;
  int64_t offset, count;
  PASS_ON(get_bytes(env, arguments[0], &bytes, &size));
  PASS_ON(napi_get_value_int64(env, arguments[1], &offset));
  PASS_ON(napi_get_value_int64(env, arguments[2], &count));
  bool is_inside = offset >= 0 && count >= 0 && (uint64_t)offset <= size && (uint64_t)count <= size - (uint64_t)offset;
  /* An empty Buffer may have no memory. */
  static char nothing;
  *part = !is_inside ? NULL : count == 0 ? &nothing : bytes + offset;
  *length = is_inside ? (size_t)count : 0;
  return napi_ok;
}
