#include "lingering.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "retry.h"

/* Milliseconds. A frame of a ring is back sooner, at 20 frames a second and more. */
#define STAY 100

/* Further ones are unmapped at once. */
#define MOST 64

struct lingering {
  struct sys_mapping mapping;
  int64_t until; /* milliseconds of CLOCK_MONOTONIC */
};

/* One list for all threads of the process, in the order of `until`. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct lingering list[MOST];
static size_t count;
static bool has_thread;

static int64_t milliseconds_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static struct sys_mapping take_at(size_t index) {
  struct sys_mapping mapping = list[index].mapping;
  count--;
  memmove(list + index, list + index + 1, (count - index) * sizeof(*list));
  return mapping;
}

/* Ends when no mapping lingers. All linger equally long, so a mapping that comes during a wait never ends before the awaited one. */
static void *unmap_in_time(void *nothing) {
  pthread_mutex_lock(&mutex);
  while (count > 0) {
    int64_t rest = list[0].until - milliseconds_now();
    struct sys_mapping first = {0};
    if (rest <= 0) first = take_at(0);
    pthread_mutex_unlock(&mutex);
    if (rest > 0) poll_until(NULL, 0, (int)rest);
    else sys_memory_unmap(&first);
    pthread_mutex_lock(&mutex);
  }
  has_thread = false;
  pthread_mutex_unlock(&mutex);
  return nothing;
}

void linger(const struct sys_mapping *mapping) {
  pthread_mutex_lock(&mutex);
  bool stays = count < MOST && (has_thread || sys_start_thread(unmap_in_time, NULL) == 0);
  if (stays) {
    has_thread = true;
    list[count++] = (struct lingering){.mapping = *mapping, .until = milliseconds_now() + STAY};
  }
  pthread_mutex_unlock(&mutex);
  if (!stays) sys_memory_unmap(mapping);
}

static bool are_same(const struct sys_mapping *one, const struct sys_mapping *other) {
  return one->inode != 0 && one->inode == other->inode && one->device == other->device && one->length == other->length;
}

bool take_lingering(struct sys_mapping *mapping) {
  bool is_there = false;
  pthread_mutex_lock(&mutex);
  for (size_t i = 0; i < count && !is_there; i++) {
    is_there = are_same(&list[i].mapping, mapping);
    if (is_there) mapping->address = take_at(i).address;
  }
  pthread_mutex_unlock(&mutex);
  return is_there;
}
