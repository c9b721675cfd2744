/* See spawn_child.h. */
#include "spawn_child.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "guard.h"
#include "limits.h"
#include "path_search.h"
#include "platform.h"
#include "retry.h"

bool leads_group(const struct sys_spawn *spawn) {
  return spawn->group == SYS_GROUP_OWN || spawn->group == SYS_GROUP_SESSION;
}

int get_spawn_memory(const struct sys_spawn *spawn, struct spawn_memory *memory) {
  memory->moved = malloc(sizeof(int) * (spawn->fd_count + 1));
  memory->shell_argv = calloc(shell_argv_size(spawn), sizeof(char *));
  return memory->moved == NULL || memory->shell_argv == NULL ? -ENOMEM : 0;
}

void free_spawn_memory(struct spawn_memory *memory) {
  free(memory->moved);
  free(memory->shell_argv);
}

static void child_fails(struct spawn_report *report, int stage, int error) __attribute__((noreturn));
static void child_fails(struct spawn_report *report, int stage, int error) {
  report->stage = (enum sys_spawn_stage)stage;
  report->error = error;
  ssize_t written = 0;
  if (report->fd >= 0) RETRY(written, write(report->fd, report, sizeof(*report)));
  _exit(written < 0 ? 126 : 127);
}

/* F_DUPFD has EINVAL for a number that RLIMIT_NOFILE does not allow, as EMFILE says better. */
static int duplicate_error(void) { return errno == EINVAL ? EMFILE : errno; }

static void arrange_fds(const struct sys_spawn *spawn, int *moved, struct spawn_report *report) {
  int highest = 2;
  for (size_t i = 0; i < spawn->fd_count; i++)
    if (spawn->fds[2 * i + 1] > highest) highest = spawn->fds[2 * i + 1];

  /* All sources move above all targets first, and then each to its place. So no order of the pairs can clash. */
  for (size_t i = 0; i < spawn->fd_count; i++) {
    moved[i] = fcntl(spawn->fds[2 * i], F_DUPFD_CLOEXEC, (long)highest + 1);
    if (moved[i] < 0) child_fails(report, SYS_STAGE_FDS, duplicate_error());
  }
  if (report->fd >= 0) {
    int above = fcntl(report->fd, F_DUPFD_CLOEXEC, (long)highest + 1);
    if (above < 0) child_fails(report, SYS_STAGE_FDS, duplicate_error());
    report->fd = above;
  }
  for (int fd = 0; fd <= highest; fd++) {
    size_t i = 0;
    while (i < spawn->fd_count && spawn->fds[2 * i + 1] != fd) i++;
    if (i == spawn->fd_count) close(fd);
    else if (dup2(moved[i], fd) < 0) child_fails(report, SYS_STAGE_FDS, errno);
  }
  int first = highest + 1;
  if (report->fd >= 0) {
    if (report->fd != first && dup2(report->fd, first) < 0) child_fails(report, SYS_STAGE_FDS, errno);
    report->fd = first;
    sys_set_close_on_exec(first++);
  }
  sys_close_from(first);
}

/* Returns the errno. */
static int exec_candidate(const struct sys_spawn *spawn, char **shell_argv) {
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

void become_program(const struct sys_spawn *spawn, const struct spawn_memory *memory, pid_t parent,
                    struct spawn_report *report) {
  /* Until the guard and the program can end this process, the system ends it with its parent, also if something stops it now. */
  bool ends_with_parent = spawn->guarded != NULL || spawn->death_signal > 0;
  if (ends_with_parent) set_death_signal(SIGKILL);

  /* exec resets handlers, but a signal that is ignored now stays ignored: SIGPIPE, in Node. */
  struct sigaction action = {.sa_handler = SIG_DFL};
  for (int signal = 1; signal < NSIG; signal++)
    if (signal != SIGKILL && signal != SIGSTOP) sigaction(signal, &action, NULL);

  bool has_terminal = spawn->group == SYS_GROUP_SESSION;
  int result = has_terminal ? setsid() : spawn->group >= 0 ? setpgid(0, spawn->group) : 0;
  if (result < 0) child_fails(report, SYS_STAGE_GROUP, errno);
  if (spawn->guarded != NULL) atomic_store(&spawn->guarded->target, leads_group(spawn) ? -getpid() : getpid());
  if (spawn->cwd != NULL && chdir(spawn->cwd) < 0) child_fails(report, SYS_STAGE_CWD, errno);
  enum sys_limit failed;
  int error = spawn->limits == NULL ? 0 : join_cgroup(spawn->limits);
  if (error != 0) child_fails(report, SYS_STAGE_LIMIT + SYS_LIMIT_CGROUP, error);
  arrange_fds(spawn, memory->moved, report);
  if (has_terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0) child_fails(report, SYS_STAGE_TERMINAL, errno);
  if (has_terminal && spawn->limits != NULL) give_terminal(spawn->limits);
  error = spawn->limits == NULL ? 0 : apply_limits(spawn->limits, &failed);
  if (error != 0) child_fails(report, SYS_STAGE_LIMIT + (int)failed, error);

  /* After the limits: a change of the user takes the death signal away (prctl(2)). 0 takes it away, too. */
  if (ends_with_parent) set_death_signal(spawn->death_signal);
  /* True if the parent ended before the request, or before the guard could see the entry. */
  if (ends_with_parent && getppid() != parent) _exit(127);

  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, NULL);

  child_fails(report, SYS_STAGE_EXEC, exec_candidate(spawn, memory->shell_argv));
}

pid_t start_forked(const struct sys_spawn *spawn, const struct spawn_memory *memory, struct spawn_report *report) {
  int ends[2];
  int error = sys_pipe(ends, 0);
  if (error != 0) return error;
  pid_t parent = getpid();
  pid_t pid = fork_plainly();
  if (pid == 0) {
    report->fd = ends[1];
    become_program(spawn, memory, parent, report);
  }
  sys_close(ends[1]);
  struct spawn_report theirs;
  ssize_t length = 0;
  if (pid > 0) RETRY(length, read(ends[0], &theirs, sizeof(theirs)));
  if (length == (ssize_t)sizeof(theirs)) *report = theirs;
  sys_close(ends[0]);
  return pid;
}
