/* See guard_process.h. */
#include "guard_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "retry.h"
#include "system.h"

void name_guard(void) { prctl(PR_SET_NAME, "aiopipe-guard"); }

/* --- Stopping with the parent --- */

/* Returns whether a process is stopped. The state follows the name, which may hold any text, also parentheses (proc_pid_stat(5)). */
static bool is_stopped(pid_t pid) {
  char path[32], text[512];
  (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
  if (fd >= 0) close(fd);
  if (length <= 0) return false;
  text[length] = 0;
  const char *end = strrchr(text, ')');
  return end != NULL && end[1] == ' ' && (end[2] == 'T' || end[2] == 't');
}

/* Ctrl-Z of a terminal reaches the parent's group, with the guard. The guard passes it on to programs in groups of their own. */
static void pass_on_stop(pid_t parent) {
  /* A handler in the parent may do its work first, or decide not to stop. */
  for (int i = 0; i < 10; i++) {
    if (is_stopped(parent)) {
      signal_entries(SIGTSTP);
      return;
    }
    pause_for(10);
  }
}

/* --- The guard's own process --- */

/*
 * Releases the memory that the fork shares with the parent: the system would copy it when the parent writes to it. The arguments and the
 * environment go with the main thread's stack. The guard keeps the memory that its code still uses: mapped files with the memory
 * right behind them (their .bss), the table, and the stack and the C library's data of this thread.
 */
static void drop_memory(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return; /* The sanitizers keep notes in anonymous memory, and this code reads them at each access. */
#endif
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

/* In the foreground of a terminal the guard stays in the parent's group, to get Ctrl-Z. Else no signal to the group may reach it. */
static void leave_group(void) {
  int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0 || tcgetpgrp(terminal) != getpgrp()) setsid();
  if (terminal >= 0) close(terminal);
}

void run_guard(pid_t parent) {
  /* All signals are blocked, as in the thread that forked: no handler of the runtime runs here. SIGCONT also continues a stopped guard. */
  prctl(PR_SET_PDEATHSIG, SIGCONT);
  leave_group();
  if (chdir("/") < 0) _exit(1);
  sys_close_from(0);
  drop_memory();

  sigset_t signals;
  sigemptyset(&signals);
  int awaited[] = {SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU};
  for (size_t i = 0; i < sizeof(awaited) / sizeof(awaited[0]); i++) sigaddset(&signals, awaited[i]);
  /* Without a pidfd, the death signal reports the parent's end. The system sends none to a process of another user (setuid(2)). */
  struct pollfd entries[] = {{.fd = (int)syscall(SYS_pidfd_open, parent, 0), .events = POLLIN},
                             {.fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC), .events = POLLIN}};
  while (getppid() == parent) {
    if (poll_until(entries, 2, -1) < 0) _exit(1);
    struct signalfd_siginfo info;
    while (read(entries[1].fd, &info, sizeof(info)) == sizeof(info)) {
      if (info.ssi_signo != SIGCONT) pass_on_stop(parent);
      /* The thread that waited for the guard has ended, and the others are about to. */
      else if (info.ssi_pid == (uint32_t)parent)
        for (int i = 0; i < 100 && entries[0].fd < 0 && getppid() == parent; i++) pause_for(10);
      else signal_entries(SIGCONT);
    }
  }
  end_all_entries();
  _exit(0);
}
