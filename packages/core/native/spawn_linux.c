/* The part of system.h that starts programs. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "exit_watch.h"
#include "limits.h"
#include "spawn_child.h"

/* The child may overwrite the frame of the function that calls vfork. So that function has no other data. */
static pid_t __attribute__((noinline)) start_shared(const struct sys_spawn *spawn, const struct spawn_memory *memory,
                                                    struct spawn_report *report) {
  pid_t parent = getpid();
  /* vfork shares the memory, and copies no page tables, so a large heap costs nothing. */
  pid_t pid = vfork();
  if (pid == 0) become_program(spawn, memory, parent, report);
  return pid < 0 ? -errno : pid;
}

pid_t sys_spawn(const struct sys_spawn *spawn, int *exit_fd, enum sys_spawn_stage *stage) {
  struct spawn_report report = {.fd = -1};
  /* The compiler sees no way from the child's branch back to ours. This says that other code may write to the report. */
  __asm__ volatile("" : : "r"(&report) : "memory");
  *stage = SYS_STAGE_FORK;

  struct spawn_memory memory;
  struct exit_watch watch;
  int error = get_spawn_memory(spawn, &memory);
  if (error == 0) error = prepare_watch(&watch);
  if (error != 0) {
    *stage = SYS_STAGE_WATCH;
    free_spawn_memory(&memory);
    return error;
  }

  /* No signal handler of the runtime may run in the child while it shares our memory. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);

  bool is_shared = spawn->limits == NULL || !changes_user(spawn->limits);
  pid_t pid = is_shared ? start_shared(spawn, &memory, &report) : start_forked(spawn, &memory, &report);
  error = pid < 0 ? -pid : report.error;

  pthread_sigmask(SIG_SETMASK, &before, NULL);
  free_spawn_memory(&memory);

  if (error != 0) {
    begin_watch(&watch, 0);
    if (pid > 0) {
      sys_reap_waiting(pid);
      *stage = report.stage;
    }
    return -error;
  }
  *exit_fd = begin_watch(&watch, pid);
  if (*exit_fd < 0) {
    *stage = SYS_STAGE_WATCH;
    kill(pid, SIGKILL);
    sys_reap_waiting(pid);
    return *exit_fd;
  }
  return pid;
}
