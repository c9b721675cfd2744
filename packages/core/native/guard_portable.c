/* See guard_process.h. */
#include "guard_process.h"

#include <errno.h>
#include <unistd.h>

#include "portable.h"

void run_guard(pid_t parent) {
  setsid();
  if (chdir("/") < 0) _exit(1);
  sys_close_from(0);
  wait_for_parent(parent);
  end_all_entries();
  _exit(0);
}
