/* The part of system.h that starts programs. */
#include "path_search.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "exit_watch.h"
#include "guard.h"

/* The child's report. The child shares our memory until it becomes the program, so this needs no pipe. */
struct spawn_report {
  volatile int error;
  volatile enum sys_spawn_stage stage;
};

static void child_fails(struct spawn_report *report, enum sys_spawn_stage stage, int error) __attribute__((noreturn));
static void child_fails(struct spawn_report *report, enum sys_spawn_stage stage, int error) {
  report->stage = stage;
  report->error = error;
  _exit(127);
}

/* `moved` has room for as many numbers as there are pairs. */
static void child_arrange_fds(const struct sys_spawn *spawn, int *moved, struct spawn_report *report) {
  int highest = 2;
  for (size_t i = 0; i < spawn->fd_count; i++)
    if (spawn->fds[2 * i + 1] > highest) highest = spawn->fds[2 * i + 1];

  /* All sources move above all targets first, and then each to its place. So no order of the pairs can clash. */
  for (size_t i = 0; i < spawn->fd_count; i++) {
    moved[i] = fcntl(spawn->fds[2 * i], F_DUPFD_CLOEXEC, (long)highest + 1);
    if (moved[i] < 0) child_fails(report, SYS_STAGE_FDS, errno);
  }
  for (int fd = 0; fd <= highest; fd++) {
    size_t i = 0;
    while (i < spawn->fd_count && spawn->fds[2 * i + 1] != fd) i++;
    if (i == spawn->fd_count) close(fd);
    else if (dup2(moved[i], fd) < 0) child_fails(report, SYS_STAGE_FDS, errno);
  }
  sys_close_from(highest + 1);
}

/* `shell_argv` has room for shell_argv_size() words. Returns the errno. */
static int child_exec(const struct sys_spawn *spawn, char **shell_argv) {
  bool was_denied = false;
  int error = ENOENT;
  for (char *const *path = spawn->candidates; *path != NULL; path++) {
    execve(*path, spawn->argv, spawn->env);
    error = errno;
    enum search search = search_after(error);
    if (search == SEARCH_WITH_SHELL)
      execve(SHELL, fill_shell_argv(shell_argv, SHELL, *path, spawn->argv), spawn->env);
    if (search != SEARCH_ON) return error;
    if (error == EACCES) was_denied = true;
  }
  return search_error(spawn, was_denied, error);
}

static void child_main(const struct sys_spawn *spawn, int *moved, char **shell_argv, pid_t parent,
                       struct spawn_report *report) __attribute__((noreturn));
static void child_main(const struct sys_spawn *spawn, int *moved, char **shell_argv, pid_t parent,
                       struct spawn_report *report) {
  /* exec resets handlers, but a signal that is ignored now stays ignored: SIGPIPE, in Node. */
  struct sigaction action = {.sa_handler = SIG_DFL};
  for (int signal = 1; signal < NSIG; signal++)
    if (signal != SIGKILL && signal != SIGSTOP) sigaction(signal, &action, NULL);

  if (spawn->group >= 0 && setpgid(0, spawn->group) < 0) child_fails(report, SYS_STAGE_GROUP, errno);
  if (spawn->guarded != NULL) atomic_store(&spawn->guarded->target, spawn->group == 0 ? -getpid() : getpid());
  if (spawn->death_signal > 0) prctl(PR_SET_PDEATHSIG, spawn->death_signal);
  /* True if the parent ended before the request, or before the guard could see the entry. */
  if ((spawn->guarded != NULL || spawn->death_signal > 0) && getppid() != parent) _exit(127);
  if (spawn->cwd != NULL && chdir(spawn->cwd) < 0) child_fails(report, SYS_STAGE_CWD, errno);
  child_arrange_fds(spawn, moved, report);

  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, NULL);

  child_fails(report, SYS_STAGE_EXEC, child_exec(spawn, shell_argv));
}

/* The child may overwrite the frame of the function that calls vfork. So that function has no other data. */
static pid_t __attribute__((noinline)) start_child(const struct sys_spawn *spawn, int *moved, char **shell_argv,
                                                   struct spawn_report *report) {
  pid_t parent = getpid();
  /* vfork shares the memory, and copies no page tables, so a large heap costs nothing. */
  pid_t pid = vfork();
  if (pid == 0) child_main(spawn, moved, shell_argv, parent, report);
  return pid < 0 ? -errno : pid;
}

pid_t sys_spawn(const struct sys_spawn *spawn, int *exit_fd, enum sys_spawn_stage *stage) {
  struct spawn_report report = {0};
  /* The compiler sees no way from the child's branch back to ours. This says that other code may write to the report. */
  __asm__ volatile("" : : "r"(&report) : "memory");
  *stage = SYS_STAGE_FORK;

  int *moved = malloc(sizeof(int) * (spawn->fd_count + 1));
  char **shell_argv = calloc(shell_argv_size(spawn), sizeof(char *));
  struct exit_watch watch;
  int error = moved == NULL || shell_argv == NULL ? -ENOMEM : prepare_watch(&watch);
  if (error != 0) {
    *stage = SYS_STAGE_WATCH;
    free(moved);
    free(shell_argv);
    return error;
  }

  /* No signal handler of the runtime may run in the child while it shares our memory. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);

  pid_t pid = start_child(spawn, moved, shell_argv, &report);
  error = pid < 0 ? -pid : report.error;

  pthread_sigmask(SIG_SETMASK, &before, NULL);
  free(moved);
  free(shell_argv);

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
