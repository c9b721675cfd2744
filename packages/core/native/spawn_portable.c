/*
 * The part of system.h that starts programs. vfork(2) is deprecated on macOS, and does the same as fork(2), so a child could not report
 * its failure to our memory. posix_spawn(2), a system call of its own here, reports it. It sets no limits and no controlling
 * terminal: a child that gets one of them is forked.
 */
#include "path_search.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit_watch.h"
#include "guard.h"
#include "portable.h"
#include "spawn_child.h"

/*
 * Adds the actions that give the child the descriptors of the map. Duplicates above all of the child's numbers come first, so that no
 * order of the pairs can clash. They are in `moved`, and the caller must close them. Returns 0, or a negative errno.
 */
static int arrange_fds(const struct sys_spawn *spawn, int *moved, posix_spawn_file_actions_t *actions) {
  int highest = 2;
  for (size_t i = 0; i < spawn->fd_count; i++)
    if (spawn->fds[2 * i + 1] > highest) highest = spawn->fds[2 * i + 1];
  for (size_t i = 0; i < spawn->fd_count; i++) {
    moved[i] = fcntl(spawn->fds[2 * i], F_DUPFD_CLOEXEC, (long)highest + 1);
    int error = moved[i] < 0 ? errno : posix_spawn_file_actions_adddup2(actions, moved[i], spawn->fds[2 * i + 1]);
    if (error == 0) continue;
    for (size_t j = 0; j <= i; j++)
      if (moved[j] >= 0) close(moved[j]);
    return -error;
  }
  return 0;
}

/* Sets an empty signal mask, default dispositions and the group. */
static int set_attributes(const struct sys_spawn *spawn, posix_spawnattr_t *attributes, short flags) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  flags |= POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (spawn->group >= 0) flags |= POSIX_SPAWN_SETPGROUP;
  int error = posix_spawnattr_setsigmask(attributes, &none);
  if (error == 0) error = posix_spawnattr_setsigdefault(attributes, &all);
  if (error == 0 && spawn->group >= 0) error = posix_spawnattr_setpgroup(attributes, spawn->group);
  if (error == 0) error = posix_spawnattr_setflags(attributes, flags);
  return -error;
}

/* Returns 0 or a positive errno. */
static int search(const struct sys_spawn *spawn, char **shell_argv, pid_t *pid,
                  const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes) {
  bool was_denied = false;
  int error = ENOENT;
  for (char *const *path = spawn->candidates; *path != NULL; path++) {
    do error = posix_spawn(pid, *path, actions, attributes, spawn->argv, spawn->env);
    while (error == EINTR);
    if (error == 0) return 0;
    enum search next = search_after(error);
    if (next == SEARCH_WITH_SHELL) {
      char *const *argv = fill_shell_argv(shell_argv, SHELL, *path, spawn->argv);
      return posix_spawn(pid, SHELL, actions, attributes, argv, spawn->env);
    }
    if (next == SEARCH_OVER) return error;
    if (error == EACCES) was_denied = true;
  }
  return search_error(spawn, was_denied, error);
}

static int start(const struct sys_spawn *spawn, const struct spawn_memory *memory, pid_t *pid, enum sys_spawn_stage *stage) {
  int *moved = memory->moved;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  if (posix_spawn_file_actions_init(&actions) != 0) return -ENOMEM;
  if (posix_spawnattr_init(&attributes) != 0) {
    posix_spawn_file_actions_destroy(&actions);
    return -ENOMEM;
  }
  int error = spawn->cwd == NULL ? 0 : -posix_spawn_file_actions_addchdir_np(&actions, spawn->cwd);
  if (error == 0) {
    *stage = SYS_STAGE_FDS;
    error = arrange_fds(spawn, moved, &actions);
    if (error == 0) {
      short flags = 0;
      error = inherit_only_map(spawn, &actions, &flags);
      if (error == 0) error = set_attributes(spawn, &attributes, flags);
      if (error == 0) {
        *stage = SYS_STAGE_EXEC;
        error = -search(spawn, memory->shell_argv, pid, &actions, &attributes);
      }
      for (size_t i = 0; i < spawn->fd_count; i++) close(moved[i]);
    }
  }
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

/* Returns 0 or a negative errno. */
static int start_by_fork(const struct sys_spawn *spawn, const struct spawn_memory *memory, pid_t *pid,
                         enum sys_spawn_stage *stage) {
  struct spawn_report report = {.fd = -1};
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  *pid = start_forked(spawn, memory, &report);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (*pid < 0) return *pid;
  if (report.error == 0) return 0;
  sys_reap_waiting(*pid);
  *stage = report.stage;
  return -report.error;
}

/* posix_spawn(2) reports the errno alone. Only another look at the group and the directory shows whether their step failed. */
static int find_stage(const struct sys_spawn *spawn, int error, enum sys_spawn_stage *stage) {
  if (spawn->group > 0 && kill(-spawn->group, 0) < 0 && errno == ESRCH) {
    *stage = SYS_STAGE_GROUP;
    return error;
  }
  struct stat status;
  if (spawn->cwd == NULL) return error;
  if (stat(spawn->cwd, &status) < 0) error = -errno;
  else if (!S_ISDIR(status.st_mode)) error = -ENOTDIR;
  else if (access(spawn->cwd, X_OK) < 0) error = -errno;
  else return error;
  *stage = SYS_STAGE_CWD;
  return error;
}

pid_t sys_spawn(const struct sys_spawn *spawn, int *exit_fd, enum sys_spawn_stage *stage) {
  *stage = SYS_STAGE_WATCH;
  struct exit_watch watch;
  int error = prepare_watch(&watch);
  if (error != 0) return error;

  *stage = SYS_STAGE_FORK;
  /* There is no death signal: the guard sends it. */
  if (spawn->guarded != NULL && spawn->death_signal == SIGTERM) spawn->guarded->terminate = true;
  pid_t pid = 0;
  bool is_forked = spawn->limits != NULL || spawn->group == SYS_GROUP_SESSION;
  struct spawn_memory memory;
  error = get_spawn_memory(spawn, &memory);
  if (error == 0) error = is_forked ? start_by_fork(spawn, &memory, &pid, stage) : start(spawn, &memory, &pid, stage);
  free_spawn_memory(&memory);
  if (error != 0) {
    begin_watch(&watch, 0);
    if (*stage == SYS_STAGE_EXEC && !is_forked) error = find_stage(spawn, error, stage);
    return error;
  }
  /* The child cannot enter itself: for a moment it runs without the guard. */
  if (spawn->guarded != NULL) atomic_store(&spawn->guarded->target, leads_group(spawn) ? -pid : pid);
  *exit_fd = begin_watch(&watch, pid);
  return pid;
}
