/*
 * Node-API, with every status checked.
 *
 * While a worker thread is being terminated any call may fail, and then it leaves its result unset: using that would
 * crash the whole process. So the compiler refuses code that drops a status (`-Werror=unused-result`).
 */
#ifndef AIOPIPE_CHECKED_H
#define AIOPIPE_CHECKED_H

#define CHECKED __attribute__((warn_unused_result))

/* What the header would set by itself, and CHECKED. It also stands before functions of type void, without an effect. */
#define NAPI_EXTERN __attribute__((visibility("default"))) CHECKED
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wattributes"
#include <node_api.h>
#pragma GCC diagnostic pop

/* Makes sure that an error is pending in JavaScript. Returns NULL, which a function of ours returns then. */
napi_value failed(napi_env env);

/* In a function that JavaScript calls: returns from it if `call` fails. */
#define CHECK(env, call)                          \
  do {                                            \
    if ((call) != napi_ok) return failed(env);    \
  } while (0)

/* In a function that returns a status: returns that of `call` if it fails. */
#define PASS_ON(call)                             \
  do {                                            \
    napi_status status_ = (call);                 \
    if (status_ != napi_ok) return status_;       \
  } while (0)

/* For a status that nothing depends on: the environment is ending. */
static inline void ignore(napi_status status) { (void)status; }

/* NULL if it failed, and then an error is pending. */
napi_value int_value(napi_env env, int64_t number);

CHECKED napi_status get_int(napi_env env, napi_value value, int32_t *number);

/* The memory of a Buffer. One that was transferred to another thread has none. */
CHECKED napi_status get_bytes(napi_env env, napi_value value, char **bytes, size_t *length);

/* The memory of an Int32Array. */
CHECKED napi_status get_int32s(napi_env env, napi_value value, int32_t **numbers, size_t *count);

/*
 * The part of a Buffer that three arguments name: the Buffer, an offset and a length. `*part` is NULL if the Buffer is not
 * so long, or not any more.
 */
CHECKED napi_status get_part(napi_env env, const napi_value arguments[3], char **part, size_t *length);

#endif
