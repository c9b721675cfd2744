/* See exit_watch.h. */
#include "exit_watch.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "exit_waiter.h"
#include "system.h"

static int open_pidfd(pid_t pid) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself */
  return fd < 0 ? -errno : fd;
}

int prepare_watch(struct exit_watch *watch) {
  *watch = (struct exit_watch){0};
  /* A pidfd of this process shows whether the system permits pidfds, and holds the number for the child's. */
  watch->fd = open_pidfd(getpid());
  if (watch->fd >= 0) return 0;
  if (watch->fd == -EMFILE || watch->fd == -ENFILE || watch->fd == -ENOMEM) return watch->fd;
  return prepare_waiter(watch);
}

int begin_watch(struct exit_watch *watch, pid_t pid) {
  if (watch->waiter != NULL) return begin_waiter(watch, pid);
  int fd = pid > 0 ? open_pidfd(pid) : 0;
  sys_close(watch->fd);
  return fd == -EMFILE || fd == -ENFILE ? open_pidfd(pid) : fd;
}
