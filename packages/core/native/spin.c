#include <stdlib.h>

#include "poll_uv.h"
#include "system.h"

/*
 * Before the loop sleeps, it spins for some microseconds: an idle core takes most of a round trip to wake. This pays only while the
 * process that answers runs on another core at the same time. So the loop stops spinning for a while if it spun in vain just before an
 * event, or if another thread needed its core. Each pause is twice as long as the one before.
 */
#define MOST_MISSES 10
/* The cost does not count if the loop spun in vain for less than this part of the wait. */
#define CHEAP_PART 10
/* Nanoseconds. One poll takes less, unless another thread ran on this core: then no core is free. */
#define ONE_LOOK 5000

struct spinner {
  uv_prepare_t *handle;
  struct instance *instance;
  int watched; /* how many polls spin */
  int misses;
  int skips;
  uint64_t missed_at, missed_for;
};

static void stop_spinning(struct spinner *spinner) {
  if (spinner->misses < MOST_MISSES) spinner->misses++;
  spinner->skips = (1 << spinner->misses) - 1;
}

static void before_sleep(uv_prepare_t *handle) {
  struct spinner *spinner = uv_handle_get_data((uv_handle_t *)handle);
  struct instance *instance = spinner->instance;
  uint64_t start = uv_hrtime();

  if (spinner->missed_at != 0) {
    if (start - spinner->missed_at < CHEAP_PART * spinner->missed_for) stop_spinning(spinner);
    spinner->missed_at = 0;
  }

  int fds[SYS_MOST_WATCHED], count = 0;
  uint64_t most = 0;
  for (struct poll *poll = instance->polls; poll != NULL && count < SYS_MOST_WATCHED; poll = poll->next) {
    if (poll->spin == 0 || !(poll->wanted & READABLE)) continue;
    fds[count++] = poll->fd;
    if (poll->spin > most) most = poll->spin;
  }
  if (count == 0) return;
  int timeout = uv_backend_timeout(uv_watcher_of(instance)->loop); /* milliseconds; -1: no limit */
  if (timeout == 0) return;
  if (timeout > 0 && most > (uint64_t)timeout * 1000000) most = (uint64_t)timeout * 1000000;
  if (spinner->skips > 0) {
    spinner->skips--;
    return;
  }
  uint64_t now = start;
  for (;;) {
    if (sys_any_readable(fds, count)) {
      spinner->misses = 0;
      return;
    }
    sys_yield();
    uint64_t before = now;
    now = uv_hrtime();
    if (now - before > ONE_LOOK) {
      stop_spinning(spinner);
      return;
    }
    if (now - start >= most) break;
  }
  spinner->missed_at = now;
  spinner->missed_for = now - start;
}

static struct spinner *spinner_of(struct instance *instance) {
  struct uv_watcher *watcher = uv_watcher_of(instance);
  if (watcher->spinner != NULL) return watcher->spinner;
  struct spinner *spinner = calloc(1, sizeof(*spinner));
  uv_prepare_t *handle = calloc(1, uv_handle_size(UV_PREPARE));
  if (spinner == NULL || handle == NULL || uv_prepare_init(watcher->loop, handle) != 0) {
    free(spinner);
    free(handle);
    return NULL;
  }
  uv_handle_set_data((uv_handle_t *)handle, spinner);
  uv_unref((uv_handle_t *)handle);
  spinner->handle = handle;
  spinner->instance = instance;
  return watcher->spinner = spinner;
}

void spin_set(struct poll *poll, uint64_t nanoseconds) {
  if ((poll->spin == 0) == (nanoseconds == 0)) {
    poll->spin = nanoseconds;
    return;
  }
  struct spinner *spinner = spinner_of(poll->instance);
  if (spinner == NULL) return;
  poll->spin = nanoseconds;
  spinner->watched += nanoseconds == 0 ? -1 : 1;
  if (spinner->watched == 0) uv_prepare_stop(spinner->handle);
  else uv_prepare_start(spinner->handle, before_sleep);
}

static void on_closed(uv_handle_t *handle) {
  struct spinner *spinner = uv_handle_get_data(handle);
  struct instance *instance = spinner->instance;
  free(handle);
  free(spinner);
  uv_watcher_of(instance)->spinner = NULL;
  uv_closed_one(instance);
}

void spinner_close(struct instance *instance) {
  struct spinner *spinner = uv_watcher_of(instance)->spinner;
  if (spinner != NULL) uv_close((uv_handle_t *)spinner->handle, on_closed);
}
