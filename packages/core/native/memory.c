/*
 * Shared memory as ArrayBuffers. Each mapping is unmapped once: by memoryUnmap(), which detaches its ArrayBuffer, so that no view can reach
 * the pages afterwards; by the finalizer, when the ArrayBuffer was collected; or by the end of the environment.
 */
#include <stdlib.h>

#include "aiopipe.h"
#include "lingering.h"
#include "system.h"

struct mapping {
  struct mapping *next, **place; /* in the list of its environment, until its pages are taken */
  struct sys_mapping pages;      /* `address` NULL: they were taken */
};

static void list(struct instance *instance, struct mapping *mapping, const struct sys_mapping *pages) {
  mapping->pages = *pages;
  mapping->next = instance->mappings;
  mapping->place = &instance->mappings;
  if (mapping->next != NULL) mapping->next->place = &mapping->next;
  instance->mappings = mapping;
}

static struct sys_mapping take(struct mapping *mapping) {
  struct sys_mapping pages = mapping->pages;
  if (pages.address == NULL) return pages;
  *mapping->place = mapping->next;
  if (mapping->next != NULL) mapping->next->place = mapping->place;
  mapping->pages.address = NULL;
  return pages;
}

static void unmap(struct mapping *mapping) {
  struct sys_mapping pages = take(mapping);
  if (pages.address != NULL) sys_memory_unmap(&pages);
}

/*
 * Runs when no ArrayBuffer has the pages any more. That can be one that got them by ArrayBuffer.prototype.transfer(). Node.js runs it in a
 * later turn of the event loop, after memoryUnmap() too.
 */
static void finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)data;
  unmap(hint);
  free(hint);
}

void memory_end(struct instance *instance) {
  while (instance->mappings != NULL) unmap(instance->mappings);
}

/* memoryMake(byteLength): a descriptor */
static napi_value js_memory_make(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  int64_t length;
  CHECK(env, napi_get_value_int64(env, args[0], &length));
  if (length <= 0) return int_value(env, -EINVAL);
  int fd = sys_memory_make(length);
  if (fd >= 0) note_fd(instance, fd);
  return int_value(env, fd);
}

/* memoryInspect(fd, may seal): the length */
static napi_value js_memory_inspect(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  int32_t fd, may_seal;
  CHECK(env, get_int(env, args[0], &fd));
  CHECK(env, get_int(env, args[1], &may_seal));
  return int_value(env, sys_memory_inspect(fd, may_seal));
}

/* memoryIsReadOnly(fd) */
static napi_value js_memory_is_read_only(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  int32_t fd;
  CHECK(env, get_int(env, args[0], &fd));
  return int_value(env, sys_memory_is_read_only(fd));
}

/* memoryForbidWrites(fd) */
static napi_value js_memory_forbid_writes(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 1);
  int32_t fd;
  CHECK(env, get_int(env, args[0], &fd));
  return int_value(env, sys_memory_forbid_writes(fd));
}

/* memoryMap(fd, byteLength, is private): an ArrayBuffer. memoryInspect() must have found so much memory. */
static napi_value js_memory_map(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 3);
  int32_t fd, is_private;
  int64_t length;
  CHECK(env, get_int(env, args[0], &fd));
  CHECK(env, napi_get_value_int64(env, args[1], &length));
  CHECK(env, get_int(env, args[2], &is_private));
  if (length <= 0 || (uint64_t)length > SIZE_MAX) return int_value(env, -EINVAL);
  struct mapping *mapping = calloc(1, sizeof(*mapping));
  if (mapping == NULL) return int_value(env, -ENOMEM);
  struct sys_mapping pages = {.length = (size_t)length};
  int error = sys_memory_map(fd, is_private, &pages);
  if (error != 0) {
    free(mapping);
    return int_value(env, error);
  }
  list(instance, mapping, &pages);

  napi_value buffer;
  napi_status status = napi_create_external_arraybuffer(env, pages.address, pages.length, finalize, mapping, &buffer);
  if (status == napi_ok) return buffer;
  /* If Node.js failed within its own code, it may have run the finalizer. If it has not, the end of the environment unmaps. */
  if (status != napi_generic_failure) {
    unmap(mapping);
    free(mapping);
  }
  return status == napi_no_external_buffers_allowed ? int_value(env, -ENOTSUP) : failed(env);
}

/*
 * memoryUnmap(buffer, may come back): whether it was unmapped. If other code has transferred the ArrayBuffer, that code still has the
 * pages, and the finalizer unmaps them.
 */
static napi_value js_memory_unmap(napi_env env, napi_callback_info info) {
  ARGUMENTS(env, info, 2);
  void *address;
  size_t length;
  int32_t may_come_back;
  napi_value result;
  CHECK(env, napi_get_arraybuffer_info(env, args[0], &address, &length));
  CHECK(env, get_int(env, args[1], &may_come_back));
  struct mapping *mapping = address == NULL ? NULL : instance->mappings;
  while (mapping != NULL && mapping->pages.address != address) mapping = mapping->next;
  CHECK(env, napi_get_boolean(env, mapping != NULL, &result));
  if (mapping == NULL) return result;
  /* First taken: a runtime may run the finalizer within the next call. */
  struct sys_mapping pages = take(mapping);
  if (napi_detach_arraybuffer(env, args[0]) != napi_ok) {
    list(instance, mapping, &pages);
    return failed(env);
  }
  if (may_come_back) linger(&pages);
  else sys_memory_unmap(&pages);
  return result;
}

napi_status define_memory(struct instance *instance, napi_value exports) {
  static const struct function functions[] = {
      {"memoryMake", js_memory_make},
      {"memoryInspect", js_memory_inspect},
      {"memoryIsReadOnly", js_memory_is_read_only},
      {"memoryForbidWrites", js_memory_forbid_writes},
      {"memoryMap", js_memory_map},
      {"memoryUnmap", js_memory_unmap},
  };
  return DEFINE_ALL(instance, exports, functions);
}
