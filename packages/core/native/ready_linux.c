#include "ready.h"

#include <errno.h>
#include <sys/epoll.h>

#include "retry.h"

#define MOST_AT_ONCE 64

int ready_open(void) {
  int set = epoll_create1(EPOLL_CLOEXEC);
  return set < 0 ? -errno : set;
}

int ready_change(int set, int fd, int before, int after, void *owner) {
  struct epoll_event event = {.data.ptr = owner};
  if (after & READABLE) event.events |= EPOLLIN;
  if (after & WRITABLE) event.events |= EPOLLOUT;
  int change = before == 0 ? EPOLL_CTL_ADD : after == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  return epoll_ctl(set, change, fd, &event) < 0 ? -errno : 0;
}

int ready_take(int set, struct ready *found, int most) {
  struct epoll_event events[MOST_AT_ONCE];
  int count;
  RETRY(count, epoll_wait(set, events, most < MOST_AT_ONCE ? most : MOST_AT_ONCE, 0));
  for (int i = 0; i < count; i++) {
    found[i].owner = events[i].data.ptr;
    found[i].events = 0;
    if (events[i].events & (EPOLLERR | EPOLLHUP)) continue;
    if (events[i].events & EPOLLIN) found[i].events |= READABLE;
    if (events[i].events & EPOLLOUT) found[i].events |= WRITABLE;
  }
  return count < 0 ? 0 : count;
}
