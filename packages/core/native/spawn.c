/* The part of system.h that starts programs. */
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#else
#include <sys/event.h>
#endif

/* What the child tells: it shares our memory until it has become the program, so no pipe is needed for it. */
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

static void child_close_from(int first) {
#ifdef __linux__
  if (syscall(SYS_close_range, (unsigned)first, ~0U, 0U) == 0) return;
#endif
  struct rlimit limit;
  int end = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 1 << 20 ? (int)limit.rlim_cur : 1 << 20;
  for (int fd = first; fd < end; fd++) close(fd);
}

/* `moved` has room for as many numbers as there are pairs. */
static void child_arrange_fds(const struct sys_spawn *spawn, int *moved, struct spawn_report *report) {
  int highest = 2;
  for (size_t i = 0; i < spawn->fd_count; i++)
    if (spawn->fds[2 * i + 1] > highest) highest = spawn->fds[2 * i + 1];

  /* First all sources out of the way of all targets, then each to its place: no order of the pairs can clash. */
  for (size_t i = 0; i < spawn->fd_count; i++) {
    moved[i] = fcntl(spawn->fds[2 * i], F_DUPFD_CLOEXEC, highest + 1);
    if (moved[i] < 0) child_fails(report, SYS_STAGE_FDS, errno);
  }
  for (int fd = 0; fd <= highest; fd++) {
    size_t i = 0;
    while (i < spawn->fd_count && spawn->fds[2 * i + 1] != fd) i++;
    if (i == spawn->fd_count) close(fd);
    else if (dup2(moved[i], fd) < 0) child_fails(report, SYS_STAGE_FDS, errno);
  }
  child_close_from(highest + 1);
}

static void child_main(const struct sys_spawn *spawn, int *moved, pid_t parent, struct spawn_report *report)
    __attribute__((noreturn));
static void child_main(const struct sys_spawn *spawn, int *moved, pid_t parent, struct spawn_report *report) {
  /* Handlers would become default by themselves, what is ignored (SIGPIPE, in Node) would not. */
  struct sigaction action = {.sa_handler = SIG_DFL};
  for (int signal = 1; signal < NSIG; signal++)
    if (signal != SIGKILL && signal != SIGSTOP) sigaction(signal, &action, NULL);

  if (spawn->group >= 0 && setpgid(0, spawn->group) < 0) child_fails(report, SYS_STAGE_GROUP, errno);
#ifdef __linux__
  if (spawn->death_signal > 0) {
    prctl(PR_SET_PDEATHSIG, spawn->death_signal);
    if (getppid() != parent) _exit(127); /* it was gone before we asked */
  }
#else
  (void)parent; /* macOS has no parent-death signal */
#endif
  if (spawn->cwd != NULL && chdir(spawn->cwd) < 0) child_fails(report, SYS_STAGE_CWD, errno);
  child_arrange_fds(spawn, moved, report);

  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);

  int error = ENOENT;
  for (char *const *path = spawn->candidates; *path != NULL; path++) {
    execve(*path, spawn->argv, spawn->env);
    if (errno == EACCES) error = EACCES; /* as execvp: go on looking, but remember */
    else if (errno != ENOENT && errno != ENOTDIR) {
      error = errno;
      break;
    }
  }
  child_fails(report, SYS_STAGE_EXEC, error);
}

/* Becomes readable when the child ends. */
static int open_exit_fd(pid_t pid) {
#ifdef __linux__
  int fd = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself */
  return fd < 0 ? -errno : fd;
#else
  /* macOS has no pidfd, but a kqueue can itself be polled. */
  int queue = kqueue();
  if (queue < 0) return -errno;
  sys_set_close_on_exec(queue);
  struct kevent event;
  EV_SET(&event, pid, EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT, 0, NULL);
  if (kevent(queue, &event, 1, NULL, 0, NULL) < 0) {
    /* It has ended already: then at once. */
    EV_SET(&event, 0, EVFILT_USER, EV_ADD | EV_ONESHOT, NOTE_FFNOP, 0, NULL);
    kevent(queue, &event, 1, NULL, 0, NULL);
    EV_SET(&event, 0, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
    kevent(queue, &event, 1, NULL, 0, NULL);
  }
  return queue;
#endif
}

static void reap_blocking(pid_t pid) {
  int status;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
}

pid_t sys_spawn(const struct sys_spawn *spawn, int *exit_fd, enum sys_spawn_stage *stage) {
  struct spawn_report report = {0};
  /* Tells the compiler that others may write to it: it sees no way from the child's branch back to ours. */
  __asm__ volatile("" : : "r"(&report) : "memory");
  *stage = SYS_STAGE_FORK;

  int *moved = malloc(sizeof(int) * (spawn->fd_count + 1));
  if (moved == NULL) return -ENOMEM;

  /* Takes the number that the exit descriptor will get: being at the limit must show before the program runs. */
  int reserved = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (reserved < 0) {
    free(moved);
    return -errno;
  }

  /* No handler of the runtime may run in the child while it shares our memory. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);

  pid_t parent = getpid();
  /* vfork shares the memory instead of copying its page tables, so a large heap costs nothing. */
  pid_t pid = vfork();
  if (pid == 0) child_main(spawn, moved, parent, &report);
  int error = pid < 0 ? errno : report.error;

  pthread_sigmask(SIG_SETMASK, &before, NULL);
  sys_close(reserved);
  free(moved);

  if (pid < 0) return -error;
  if (error != 0) {
    reap_blocking(pid);
    *stage = report.stage;
    return -error;
  }
  *exit_fd = open_exit_fd(pid);
  if (*exit_fd < 0) {
    kill(pid, SIGKILL);
    reap_blocking(pid);
    return *exit_fd;
  }
  return pid;
}
