#include "ready.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/event.h>
#include <unistd.h>

#include "retry.h"

#define MOST_AT_ONCE 64

int ready_open(void) {
  int set = kqueue();
  return set < 0 ? -errno : set;
}

/* One direction is one entry of a kqueue. */
static int change_one(int set, int fd, int16_t filter, bool before, bool after, void *owner) {
  if (before == after) return 0;
  struct kevent event;
  EV_SET(&event, (uintptr_t)fd, filter, after ? EV_ADD : EV_DELETE, 0, 0, owner);
  int result;
  RETRY(result, kevent(set, &event, 1, NULL, 0, NULL));
  return result < 0 ? -errno : 0;
}

int ready_change(int set, int fd, int before, int after, void *owner) {
  int error = change_one(set, fd, EVFILT_READ, before & READABLE, after & READABLE, owner);
  return error != 0 ? error : change_one(set, fd, EVFILT_WRITE, before & WRITABLE, after & WRITABLE, owner);
}

int ready_take(int set, struct ready *found, int most) {
  struct kevent events[MOST_AT_ONCE];
  struct timespec none = {0};
  int count;
  RETRY(count, kevent(set, NULL, 0, events, most < MOST_AT_ONCE ? most : MOST_AT_ONCE, &none));
  for (int i = 0; i < count; i++) {
    found[i].owner = events[i].udata;
    found[i].events = events[i].flags & EV_ERROR ? 0 : events[i].filter == EVFILT_READ ? READABLE : WRITABLE;
  }
  return count < 0 ? 0 : count;
}
