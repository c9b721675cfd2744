/* See exit_waiter.h. */
#include "exit_waiter.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "system.h"

struct waiter {
  sem_t has_pid;
  pid_t pid;     /* 0: no child was started */
  int write_end; /* of a pipe; the thread closes it when the child has ended. -1: closed */
};

static void *wait_for_end(void *argument) {
  struct waiter *waiter = argument;
  while (sem_wait(&waiter->has_pid) < 0) continue;
  siginfo_t info;
  /* WNOWAIT leaves the zombie for the loop's thread to reap. */
  while (waiter->pid > 0 && waitid(P_PID, (id_t)waiter->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) continue;
  if (waiter->write_end >= 0) sys_close(waiter->write_end);
  sem_destroy(&waiter->has_pid);
  free(waiter);
  return NULL;
}

int prepare_waiter(struct exit_watch *watch) {
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

int begin_waiter(const struct exit_watch *watch, pid_t pid) {
  struct waiter *waiter = watch->waiter;
  waiter->pid = pid;
  if (pid == 0) {
    sys_close(waiter->write_end);
    sys_close(watch->fd);
    waiter->write_end = -1;
  }
  sem_post(&waiter->has_pid);
  return pid > 0 ? watch->fd : 0;
}
