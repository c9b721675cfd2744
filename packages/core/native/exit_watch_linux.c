/* See exit_watch.h. */
#include "exit_watch.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system.h"

int sys_open_exit_fd(pid_t pid) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself */
  return fd < 0 ? -errno : fd;
}

/* A thread that waits for a child if the system has no pidfd, or a filter of system calls refuses it. */
struct waiter {
  sem_t has_pid;
  pid_t pid;     /* 0: no child was started */
  int write_end; /* of a pipe; the thread closes it when the child has ended */
};

static void *wait_for_end(void *argument) {
  struct waiter *waiter = argument;
  while (sem_wait(&waiter->has_pid) < 0) continue;
  siginfo_t info;
  /* WNOWAIT leaves the zombie for the loop's thread to reap. */
  while (waiter->pid > 0 && waitid(P_PID, (id_t)waiter->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) continue;
  sys_close(waiter->write_end);
  sem_destroy(&waiter->has_pid);
  free(waiter);
  return NULL;
}

static int prepare_waiter(struct exit_watch *watch) {
  int fds[2];
  int error = sys_pipe(fds, 0);
  if (error != 0) return error;
  struct waiter *waiter = calloc(1, sizeof(*waiter));
  if (waiter != NULL) {
    waiter->write_end = fds[1];
    sem_init(&waiter->has_pid, 0, 0);
  }
  error = waiter == NULL ? -ENOMEM : sys_start_thread(wait_for_end, waiter);
  if (error != 0) {
    free(waiter);
    sys_close(fds[0]);
    sys_close(fds[1]);
    return error;
  }
  *watch = (struct exit_watch){.fd = fds[0], .waiter = waiter};
  return 0;
}

int prepare_watch(struct exit_watch *watch) {
  *watch = (struct exit_watch){0};
  /* A pidfd of this process shows whether the system permits pidfds, and holds the number for the child's. */
  watch->fd = sys_open_exit_fd(getpid());
  if (watch->fd >= 0) return 0;
  if (watch->fd == -EMFILE || watch->fd == -ENFILE || watch->fd == -ENOMEM) return watch->fd;
  return prepare_waiter(watch);
}

int begin_watch(struct exit_watch *watch, pid_t pid) {
  if (watch->waiter != NULL) {
    watch->waiter->pid = pid;
    sem_post(&watch->waiter->has_pid);
    if (pid > 0) return watch->fd;
    sys_close(watch->fd);
    return 0;
  }
  int fd = pid > 0 ? sys_open_exit_fd(pid) : 0;
  sys_close(watch->fd);
  return fd == -EMFILE || fd == -ENFILE ? sys_open_exit_fd(pid) : fd;
}
