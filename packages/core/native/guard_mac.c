/* See guard_process.h. */
#include "guard_process.h"

#include <errno.h>
#include <unistd.h>

#include "retry.h"
#include "system.h"

/* The system has no names for processes. */
void name_guard(void) {}

void run_guard(pid_t parent) {
  setsid();
  if (chdir("/") < 0) _exit(1);
  sys_close_from(0);
  struct pollfd entry = {.fd = sys_open_exit_fd(parent), .events = POLLIN};
  while (getppid() == parent && entry.fd >= 0) poll_until(&entry, 1, -1);
  if (getppid() != parent) end_all_entries();
  _exit(0);
}

pid_t fork_guard(void) {
  pid_t pid = fork();
  return pid < 0 ? -errno : pid;
}
