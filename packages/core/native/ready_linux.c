#include "ready.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "retry.h"
#include "system.h"

#define MOST_AT_ONCE 64

int ready_open(struct ready_set *set) {
  set->fd = epoll_create1(EPOLL_CLOEXEC);
  if (set->fd < 0) return -errno;
  set->waker = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  int error = set->waker < 0 ? -errno : ready_change(set, set->waker, 0, READABLE, NULL);
  if (error != 0) ready_close(set);
  return error;
}

void ready_close(struct ready_set *set) {
  sys_close(set->fd);
  if (set->waker >= 0) sys_close(set->waker);
}

void ready_wake(const struct ready_set *set) {
  ssize_t written;
  RETRY(written, write(set->waker, &(uint64_t){1}, sizeof(uint64_t)));
}

int ready_change(const struct ready_set *set, int fd, int before, int after, void *owner) {
  struct epoll_event event = {.data.ptr = owner};
  if (after & READABLE) event.events |= EPOLLIN;
  if (after & WRITABLE) event.events |= EPOLLOUT;
  int change = before == 0 ? EPOLL_CTL_ADD : after == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  return epoll_ctl(set->fd, change, fd, &event) < 0 ? -errno : 0;
}

int ready_take(const struct ready_set *set, struct ready *found, int most) {
  struct epoll_event events[MOST_AT_ONCE];
  int count;
  RETRY(count, epoll_wait(set->fd, events, most < MOST_AT_ONCE ? most : MOST_AT_ONCE, 0));
  for (int i = 0; i < count; i++) {
    found[i].owner = events[i].data.ptr;
    found[i].events = 0;
    if (events[i].events & (EPOLLERR | EPOLLHUP)) continue;
    if (events[i].events & EPOLLIN) found[i].events |= READABLE;
    if (events[i].events & EPOLLOUT) found[i].events |= WRITABLE;
  }
  return count < 0 ? 0 : count;
}

bool is_first_thread(void) { return syscall(SYS_gettid) == getpid(); }
