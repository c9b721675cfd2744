/*
 * Node-API, with every status checked.
 *
 * While terminate() ends a worker thread, any call may fail, and then it leaves its result unset. Code that used such a result would
 * crash the whole process. So the compiler refuses code that drops a status (`-Werror=unused-result`).
 */
#ifndef AIOPIPE_CHECKED_H
#define AIOPIPE_CHECKED_H

#define CHECKED __attribute__((warn_unused_result))

/* The header's own definition, and CHECKED. It has no effect on functions of type void. */
#define NAPI_EXTERN __attribute__((visibility("default"))) CHECKED
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wattributes"
#include <node_api.h>
#pragma GCC diagnostic pop

/* Makes sure that an error is pending in JavaScript. Returns NULL, for the caller to return. */
napi_value failed(napi_env env);

/* Returns from a function that JavaScript calls, if `call` fails. */
#define CHECK(env, call)                          \
  do {                                            \
    if ((call) != napi_ok) return failed(env);    \
  } while (0)

/* Returns the status of `call` from a function that returns one, if `call` fails. */
#define PASS_ON(call)                             \
  do {                                            \
    napi_status status_ = (call);                 \
    if (status_ != napi_ok) return status_;       \
  } while (0)

/* Drops a status on which nothing depends, because the environment is ending. */
static inline void ignore(napi_status status) { (void)status; }

/* Returns NULL if it fails, with an error pending. */
napi_value int_value(napi_env env, int64_t number);

CHECKED napi_status get_int(napi_env env, napi_value value, int32_t *number);

/* Gets the memory of a Buffer: NULL if the Buffer was transferred to another thread. */
CHECKED napi_status get_bytes(napi_env env, napi_value value, char **bytes, size_t *length);

/* Gets the memory of an Int32Array. */
CHECKED napi_status get_int32s(napi_env env, napi_value value, int32_t **numbers, size_t *count);

/* Gets the memory of a Float64Array. */
CHECKED napi_status get_doubles(napi_env env, napi_value value, double **numbers, size_t *count);

/*
 * Gets the part of a Buffer that three arguments name: the Buffer, an offset and a length. `*part` is NULL if the part lies outside the
 * Buffer, which has length 0 after a transfer.
 */
CHECKED napi_status get_part(napi_env env, const napi_value arguments[3], char **part, size_t *length);

#endif
