/*
 * The part of system.h that ends what we started if we end first.
 *
 * The guard is a fork of this process that has let go of its memory, its descriptors and its environment. All that it
 * shares with us is a table of what to end, which needs no message: a program enters itself before it becomes the
 * program. A thread of ours waits for the guard, and starts another one if something kills it.
 */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#endif

/* More than a system has processes for one user; memory that was never touched costs nothing. */
#define MOST_ENTRIES 65536
/* Milliseconds between two looks at what was told to end. */
#define PAUSE 20
/* A guard that lived for less was ended by the system, not by chance. */
#define SHORT_LIFE 100
#define MOST_SHORT_LIVES 10

struct table {
  int used; /* entries that ever were in use: none after these */
  struct guarded entries[MOST_ENTRIES];
};

static struct table *table;
static int first_free; /* no entry before it is free */
static int taken;
static bool is_kept;  /* the thread runs */
static int start_result; /* 1: the guard runs; negative: an errno */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_started = PTHREAD_COND_INITIALIZER;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void pause_for(int milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  nanosleep(&time, NULL);
}

/* --- Ending what is in the table: in the guard, or in a thread for what an ended thread has left --- */

static bool is_meant(const struct guarded *entry, const void *owner) {
  return entry->owner != NULL && (owner == NULL || entry->owner == owner) && atomic_load(&entry->target) != 0;
}

/* `owner` NULL: all. */
static void end_entries(const void *owner) {
  for (int i = 0; i < table->used; i++) {
    struct guarded *entry = &table->entries[i];
    if (!is_meant(entry, owner)) continue;
    int target = atomic_load(&entry->target);
    if (entry->terminate) kill(target, SIGTERM);
    /* What is stopped can handle it only then. */
    if (entry->kill_after != 0) kill(target, SIGCONT);
  }
  int64_t start = now();
  for (bool is_over = false; !is_over;) {
    is_over = true;
    int64_t passed = now() - start;
    for (int i = 0; i < table->used; i++) {
      struct guarded *entry = &table->entries[i];
      if (!is_meant(entry, owner)) continue;
      int target = atomic_load(&entry->target);
      if (entry->kill_after >= 0 && passed < entry->kill_after && kill(target, 0) == 0) {
        is_over = false;
        continue;
      }
      if (entry->kill_after >= 0) kill(target, SIGKILL);
      /* From now on its number may be a stranger's. */
      atomic_store(&entry->target, 0);
    }
    if (!is_over) pause_for(PAUSE);
  }
}

#ifdef __linux__
/* --- Stopping with us --- */

/* Whether a process is stopped: the field after its name, which may hold anything, parentheses too (proc_pid_stat(5)). */
static bool is_stopped(pid_t pid) {
  char path[32], text[512];
  snprintf(path, sizeof(path), "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
  if (fd >= 0) close(fd);
  if (length <= 0) return false;
  text[length] = 0;
  const char *end = strrchr(text, ')');
  return end != NULL && end[1] == ' ' && (end[2] == 'T' || end[2] == 't');
}

static void signal_all(int signal) {
  for (int i = 0; i < table->used; i++)
    if (is_meant(&table->entries[i], NULL)) kill(atomic_load(&table->entries[i].target), signal);
}

/* A terminal's Ctrl-Z reaches our group, and the guard in it; what was started in groups of its own is told by the guard. */
static void pass_on_stop(pid_t parent) {
  /* A handler of the program's may do something first, or leave it at that. */
  for (int i = 0; i < 10; i++) {
    if (is_stopped(parent)) {
      signal_all(SIGTSTP);
      return;
    }
    pause_for(10);
  }
}

/* --- The guard's own process --- */

/*
 * Gives back our memory, so that it is not kept twice when we write to it, and with the stack our arguments and environment.
 * What remains is what this code uses: mapped files with the memory right behind them (their .bss), the table, this
 * thread's stack with what belongs to the thread.
 */
static void drop_memory(void) {
  int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (maps < 0) return;
  char text[4096];
  size_t length = 0;
  uintptr_t kept_until = 0;
  for (;;) {
    ssize_t more = read(maps, text + length, sizeof(text) - 1 - length);
    if (more <= 0) break;
    length += (size_t)more;
    text[length] = 0;
    char *line = text, *end;
    for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
      *end = 0;
      char *rest;
      uintptr_t from = strtoull(line, &rest, 16), to = strtoull(rest + 1, NULL, 16);
      const char *name = strrchr(line, ' ') + 1;
      bool is_ours = ((uintptr_t)&rest >= from && (uintptr_t)&rest < to) ||
                     ((uintptr_t)&errno >= from && (uintptr_t)&errno < to);
      bool is_anonymous = *name == 0 || strcmp(name, "[heap]") == 0 || strcmp(name, "[stack]") == 0 ||
                          strstr(line, "[anon") != NULL;
      bool is_bss = *name == 0 && from == kept_until;
      if (is_anonymous && !is_bss && !is_ours) munmap((void *)from, to - from);
      else if (!is_anonymous) kept_until = to;
    }
    length = (size_t)(text + length - line);
    memmove(text, line, length);
  }
  close(maps);
}

/* In the foreground of a terminal it stays in our group, to hear of Ctrl-Z; else no signal to the group reaches it. */
static void leave_group(void) {
  int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0 || tcgetpgrp(terminal) != getpgrp()) setsid();
  if (terminal >= 0) close(terminal);
}

static void run_guard(pid_t parent) __attribute__((noreturn));
static void run_guard(pid_t parent) {
  /* All signals are blocked, as in the thread that we come from: no handler of the runtime runs here. */
  prctl(PR_SET_PDEATHSIG, SIGHUP);
  leave_group();
  if (chdir("/") < 0) _exit(1);
  sys_close_from(0);
  drop_memory();

  sigset_t signals;
  sigemptyset(&signals);
  int told[] = {SIGHUP, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU};
  for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) sigaddset(&signals, told[i]);
  /* Where there is no pidfd, the death signal tells; but that is not sent to a guard of another user (setuid(2)). */
  struct pollfd entries[] = {{.fd = (int)syscall(SYS_pidfd_open, parent, 0), .events = POLLIN},
                             {.fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC), .events = POLLIN}};
  while (getppid() == parent) {
    if (poll(entries, 2, -1) < 0) _exit(1);
    struct signalfd_siginfo info;
    while (read(entries[1].fd, &info, sizeof(info)) == sizeof(info)) {
      if (info.ssi_signo == SIGCONT) signal_all(SIGCONT);
      else if (info.ssi_signo != SIGHUP) pass_on_stop(parent);
      /* The thread that waited for us is gone, and the others are about to. */
      else for (int i = 0; i < 100 && entries[0].fd < 0 && getppid() == parent; i++) pause_for(10);
    }
  }
  end_entries(NULL);
  _exit(0);
}

/* Not fork(2) of the C library: handlers of other libraries would run in the child. */
static pid_t fork_process(void) {
  pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  return pid < 0 ? -errno : pid;
}
#else
static void run_guard(pid_t parent) __attribute__((noreturn));
static void run_guard(pid_t parent) {
  setsid();
  if (chdir("/") < 0) _exit(1);
  sys_close_from(0);
  struct pollfd entry = {.fd = sys_open_exit_fd(parent), .events = POLLIN};
  while (getppid() == parent && entry.fd >= 0) poll(&entry, 1, -1);
  if (getppid() != parent) end_entries(NULL);
  _exit(0);
}

static pid_t fork_process(void) {
  pid_t pid = fork();
  return pid < 0 ? -errno : pid;
}
#endif

/* --- Our process --- */

static void *keep_guard(void *unused) {
  (void)unused;
  pid_t parent = getpid();
#ifdef __linux__
  /* Of this thread; a guard has it from its first moment. */
  prctl(PR_SET_NAME, "aiopipe-guard");
#endif
  for (int short_lives = 0;;) {
    pid_t guard = fork_process();
    if (guard == 0) run_guard(parent);
    pthread_mutex_lock(&lock);
    start_result = guard < 0 ? guard : 1;
    pthread_cond_broadcast(&has_started);
    if (guard < 0) break;
    pthread_mutex_unlock(&lock);

    int64_t start = now();
    int status;
    while (waitpid(guard, &status, 0) < 0 && errno == EINTR) continue;
    short_lives = now() - start < SHORT_LIFE ? short_lives + 1 : 0;
    pthread_mutex_lock(&lock);
    /* With nothing to guard, the next start will need one. */
    if (taken == 0 || short_lives > MOST_SHORT_LIVES) break;
    pthread_mutex_unlock(&lock);
  }
  is_kept = false;
  pthread_mutex_unlock(&lock);
  return NULL;
}

static int ensure_guard(void) {
  if (table == NULL) {
    void *memory = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);
    if (memory == MAP_FAILED) return -errno;
    table = memory;
  }
  if (is_kept) return 0;
  start_result = 0;
  is_kept = true;
  int error = sys_start_thread(keep_guard, NULL);
  if (error != 0) {
    is_kept = false;
    return error;
  }
  while (start_result == 0) pthread_cond_wait(&has_started, &lock);
  return start_result < 0 ? start_result : 0;
}

struct guarded *sys_guard_enter(const void *owner, bool terminate, int kill_after, int *error) {
  struct guarded *entry = NULL;
  pthread_mutex_lock(&lock);
  *error = ensure_guard();
  /* Where filters of system calls forbid it for good, programs run without. */
  if (*error == -EPERM || *error == -ENOSYS) {
    *error = 0;
  } else if (*error == 0) {
    while (first_free < table->used && table->entries[first_free].owner != NULL) first_free++;
    if (first_free < MOST_ENTRIES) {
      entry = &table->entries[first_free];
      *entry = (struct guarded){.owner = owner, .terminate = terminate, .kill_after = kill_after};
      if (first_free == table->used) table->used++;
      first_free++;
      taken++;
    } else {
      *error = -EAGAIN;
    }
  }
  pthread_mutex_unlock(&lock);
  return entry;
}

static void leave(struct guarded *entry) {
  atomic_store(&entry->target, 0);
  entry->owner = NULL;
  if (entry - table->entries < first_free) first_free = (int)(entry - table->entries);
  taken--;
}

void sys_guard_leave(struct guarded *entry) {
  pthread_mutex_lock(&lock);
  leave(entry);
  pthread_mutex_unlock(&lock);
}

static void *end_left(void *owner) {
  end_entries(owner);
  pthread_mutex_lock(&lock);
  for (int i = 0; i < table->used; i++)
    if (table->entries[i].owner == owner) leave(&table->entries[i]);
  pthread_mutex_unlock(&lock);
  free(owner);
  return NULL;
}

void sys_guard_end_owned(const void *owner) {
  /* Of its own address: the other one may be a later thread's. */
  void *left = malloc(1);
  int count = 0;
  pthread_mutex_lock(&lock);
  for (int i = 0; left != NULL && table != NULL && i < table->used; i++) {
    if (table->entries[i].owner != owner) continue;
    table->entries[i].owner = left;
    count++;
  }
  pthread_mutex_unlock(&lock);
  if (count == 0 || sys_start_thread(end_left, left) != 0) free(left);
}
