#include "ready.h"

#include <errno.h>
#include <pthread.h>
#include <sys/event.h>

#include "retry.h"
#include "system.h"

#define MOST_AT_ONCE 64

int ready_open(struct ready_set *set) {
  set->fd = kqueue();
  if (set->fd < 0) return -errno;
  struct kevent event;
  EV_SET(&event, 0, EVFILT_USER, EV_ADD, 0, 0, NULL);
  int result = sys_set_close_on_exec(set->fd);
  if (result == 0) RETRY(result, kevent(set->fd, &event, 1, NULL, 0, NULL));
  if (result == 0) return 0;
  int error = -errno;
  sys_close(set->fd);
  return error;
}

void ready_close(struct ready_set *set) { sys_close(set->fd); }

void ready_wake(const struct ready_set *set) {
  struct kevent event;
  int result;
  EV_SET(&event, 0, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
  RETRY(result, kevent(set->fd, &event, 1, NULL, 0, NULL));
}

/* One direction is one entry of a kqueue. */
static int change_one(const struct ready_set *set, int fd, int16_t filter, bool before, bool after, void *owner) {
  if (before == after) return 0;
  struct kevent event;
  EV_SET(&event, (uintptr_t)fd, filter, after ? EV_ADD : EV_DELETE, 0, 0, owner);
  int result;
  RETRY(result, kevent(set->fd, &event, 1, NULL, 0, NULL));
  return result < 0 ? -errno : 0;
}

int ready_change(const struct ready_set *set, int fd, int before, int after, void *owner) {
  int error = change_one(set, fd, EVFILT_READ, before & READABLE, after & READABLE, owner);
  return error != 0 ? error : change_one(set, fd, EVFILT_WRITE, before & WRITABLE, after & WRITABLE, owner);
}

int ready_take(const struct ready_set *set, struct ready *found, int most) {
  struct kevent events[MOST_AT_ONCE];
  struct timespec none = {0};
  int count;
  RETRY(count, kevent(set->fd, NULL, 0, events, most < MOST_AT_ONCE ? most : MOST_AT_ONCE, &none));
  for (int i = 0; i < count; i++) {
    found[i].owner = events[i].udata;
    found[i].events = events[i].flags & EV_ERROR ? 0 : events[i].filter == EVFILT_READ ? READABLE : WRITABLE;
  }
  return count < 0 ? 0 : count;
}

bool is_first_thread(void) { return pthread_main_np() != 0; }
