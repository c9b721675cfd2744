/* See exit_watch.h. A kqueue is a descriptor that can be polled. Its one event is the end of the child. */
#include "exit_watch.h"

#include <errno.h>
#include <stddef.h>
#include <sys/event.h>

#include "system.h"

int prepare_watch(struct exit_watch *watch) {
  *watch = (struct exit_watch){.fd = kqueue()};
  if (watch->fd < 0) return -errno;
  sys_set_close_on_exec(watch->fd);
  return 0;
}

int begin_watch(struct exit_watch *watch, pid_t pid) {
  if (pid == 0) return sys_close(watch->fd);
  struct kevent event;
  EV_SET(&event, pid, EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT, 0, NULL);
  if (kevent(watch->fd, &event, 1, NULL, 0, NULL) >= 0) return watch->fd;
  /* The child has ended already. Make the descriptor readable at once. */
  EV_SET(&event, 0, EVFILT_USER, EV_ADD | EV_ONESHOT, NOTE_FFNOP, 0, NULL);
  kevent(watch->fd, &event, 1, NULL, 0, NULL);
  EV_SET(&event, 0, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
  kevent(watch->fd, &event, 1, NULL, 0, NULL);
  return watch->fd;
}

int sys_open_exit_fd(pid_t pid) {
  struct exit_watch watch;
  int error = prepare_watch(&watch);
  return error != 0 ? error : begin_watch(&watch, pid);
}
