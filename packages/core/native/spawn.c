/* The part of system.h that starts programs. */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
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

#ifdef __linux__
/* What getdents64(2) gives; the C library has no name for it. */
struct entry {
  uint64_t inode;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

static int close_listed_from(int first) {
  int directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return -errno;
  _Alignas(struct entry) char list[1024];
  long length;
  while ((length = syscall(SYS_getdents64, directory, list, sizeof(list))) > 0) {
    for (long at = 0; at < length;) {
      struct entry *entry = (struct entry *)(list + at);
      at += entry->length;
      int fd = 0;
      for (const char *digit = entry->name; *digit >= '0' && *digit <= '9'; digit++) fd = 10 * fd + (*digit - '0');
      if (entry->name[0] != '.' && fd >= first && fd != directory) close(fd);
    }
  }
  if (directory >= first || length < 0) close(directory);
  return length < 0 ? -errno : 0;
}
#endif

void sys_close_from(int first) {
#ifdef __linux__
  /* Old kernels and filters of system calls have no close_range. Where there is no /proc either, all are tried. */
  if (syscall(SYS_close_range, (unsigned)first, ~0U, 0U) == 0 || close_listed_from(first) == 0) return;
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
  sys_close_from(highest + 1);
}

/*
 * As execvp(3): a directory of PATH that can't be searched or is gone doesn't end the search, and what is no program for
 * the system is a script for the shell. `shell_argv` has room for one word more than argv. Returns the errno.
 */
static int child_exec(const struct sys_spawn *spawn, char **shell_argv) {
  int denied = 0, error = ENOENT;
  bool is_only = spawn->candidates[0] != NULL && spawn->candidates[1] == NULL;
  for (char *const *path = spawn->candidates; *path != NULL; path++) {
    execve(*path, spawn->argv, spawn->env);
    error = errno;
    switch (error) {
      case EACCES:
        denied = EACCES;
        break;
      case ENOENT:
      case ENOTDIR:
      case ESTALE:
      case ENODEV:
      case ETIMEDOUT:
      case ENAMETOOLONG:
      case ELOOP:
        break;
      case ENOEXEC:
        shell_argv[0] = (char *)_PATH_BSHELL;
        shell_argv[1] = *path;
        for (size_t i = 1; spawn->argv[0] != NULL && spawn->argv[i] != NULL; i++) shell_argv[i + 1] = spawn->argv[i];
        execve(_PATH_BSHELL, shell_argv, spawn->env);
        return ENOEXEC;
      default:
        return error;
    }
  }
  if (denied != 0) return denied;
  return is_only && error != ENOTDIR ? error : ENOENT;
}

static void child_main(const struct sys_spawn *spawn, int *moved, char **shell_argv, pid_t parent,
                       struct spawn_report *report) __attribute__((noreturn));
static void child_main(const struct sys_spawn *spawn, int *moved, char **shell_argv, pid_t parent,
                       struct spawn_report *report) {
  /* Handlers would become default by themselves, what is ignored (SIGPIPE, in Node) would not. */
  struct sigaction action = {.sa_handler = SIG_DFL};
  for (int signal = 1; signal < NSIG; signal++)
    if (signal != SIGKILL && signal != SIGSTOP) sigaction(signal, &action, NULL);

  if (spawn->group >= 0 && setpgid(0, spawn->group) < 0) child_fails(report, SYS_STAGE_GROUP, errno);
  if (spawn->guarded != NULL) atomic_store(&spawn->guarded->target, spawn->group == 0 ? -getpid() : getpid());
#ifdef __linux__
  if (spawn->death_signal > 0) prctl(PR_SET_PDEATHSIG, spawn->death_signal);
#endif
  /* It was gone before we asked, or before the guard could see the entry. */
  if ((spawn->guarded != NULL || spawn->death_signal > 0) && getppid() != parent) _exit(127);
  if (spawn->cwd != NULL && chdir(spawn->cwd) < 0) child_fails(report, SYS_STAGE_CWD, errno);
  child_arrange_fds(spawn, moved, report);

  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);

  child_fails(report, SYS_STAGE_EXEC, child_exec(spawn, shell_argv));
}

int sys_open_exit_fd(pid_t pid) {
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

/* A thread that waits for a child where the system has no pidfd, or a filter of system calls keeps it from us. */
struct waiter {
  sem_t has_pid;
  pid_t pid; /* 0: there is none to wait for */
  int told;  /* the writing end of a pipe: closed when the child has ended */
};

static void *wait_for_end(void *argument) {
  struct waiter *waiter = argument;
  while (sem_wait(&waiter->has_pid) < 0) continue;
  siginfo_t info;
  /* It is left for us to reap. */
  while (waiter->pid > 0 && waitid(P_PID, (id_t)waiter->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) continue;
  sys_close(waiter->told);
  sem_destroy(&waiter->has_pid);
  free(waiter);
  return NULL;
}

/* What will tell of a child's end: all that can fail is done before the child begins. */
struct exit_watch {
  int fd; /* the number that is reserved for it, or with a waiter the descriptor itself */
  struct waiter *waiter;
};

static int prepare_waiter(struct exit_watch *watch) {
  int fds[2];
  int error = sys_pipe(fds, 0);
  if (error != 0) return error;
  struct waiter *waiter = calloc(1, sizeof(*waiter));
  if (waiter != NULL) {
    waiter->told = fds[1];
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

static int prepare_watch(struct exit_watch *watch) {
  *watch = (struct exit_watch){0};
#ifdef __linux__
  /* One of ourselves tells whether we may have them, and takes the number that the child's will get. */
  watch->fd = sys_open_exit_fd(getpid());
#else
  watch->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (watch->fd < 0) watch->fd = -errno;
#endif
  if (watch->fd >= 0) return 0;
  if (watch->fd == -EMFILE || watch->fd == -ENFILE || watch->fd == -ENOMEM) return watch->fd;
  return prepare_waiter(watch);
}

/* `pid` 0: nothing was started. Returns the descriptor, or a negative errno. */
static int begin_watch(struct exit_watch *watch, pid_t pid) {
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

/* In a function of its own: what the compiler keeps in the frame of one that calls vfork, the child may overwrite. */
static pid_t __attribute__((noinline)) start_child(const struct sys_spawn *spawn, int *moved, char **shell_argv,
                                                   struct spawn_report *report) {
  pid_t parent = getpid();
  /* vfork shares the memory instead of copying its page tables, so a large heap costs nothing. */
  pid_t pid = vfork();
  if (pid == 0) child_main(spawn, moved, shell_argv, parent, report);
  return pid < 0 ? -errno : pid;
}

pid_t sys_spawn(const struct sys_spawn *spawn, int *exit_fd, enum sys_spawn_stage *stage) {
  struct spawn_report report = {0};
  /* Tells the compiler that others may write to it: it sees no way from the child's branch back to ours. */
  __asm__ volatile("" : : "r"(&report) : "memory");
  *stage = SYS_STAGE_FORK;

  size_t words = 0;
  while (spawn->argv[words] != NULL) words++;
  int *moved = malloc(sizeof(int) * (spawn->fd_count + 1));
  char **shell_argv = calloc(words + 3, sizeof(char *));
  struct exit_watch watch;
  int error = moved == NULL || shell_argv == NULL ? -ENOMEM : prepare_watch(&watch);
  if (error != 0) {
    *stage = SYS_STAGE_WATCH;
    free(moved);
    free(shell_argv);
    return error;
  }

  /* No handler of the runtime may run in the child while it shares our memory. */
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
      reap_blocking(pid);
      *stage = report.stage;
    }
    return -error;
  }
  *exit_fd = begin_watch(&watch, pid);
  if (*exit_fd < 0) {
    *stage = SYS_STAGE_WATCH;
    kill(pid, SIGKILL);
    reap_blocking(pid);
    return *exit_fd;
  }
  return pid;
}
