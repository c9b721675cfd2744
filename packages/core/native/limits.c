/* See limits.h. */
#include "limits.h"

#include <errno.h>
#include <math.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform.h"
#include "retry.h"

static bool has(const struct sys_limits *limits, enum sys_limit limit) { return !isnan(limits->values[limit]); }

bool changes_user(const struct sys_limits *limits) {
  return has(limits, SYS_LIMIT_GROUPS) || has(limits, SYS_LIMIT_GID) || has(limits, SYS_LIMIT_UID);
}

int join_cgroup(const struct sys_limits *limits) {
  if (!has(limits, SYS_LIMIT_CGROUP)) return 0;
  ssize_t written;
  /* 0 is the process that writes: cgroups(7). */
  RETRY(written, write((int)limits->values[SYS_LIMIT_CGROUP], "0", 1));
  return written < 0 ? errno : 0;
}

void give_terminal(const struct sys_limits *limits) {
  if (!has(limits, SYS_LIMIT_UID)) return;
  int result = fchown(STDIN_FILENO, (uid_t)limits->values[SYS_LIMIT_UID], (gid_t)-1);
  (void)result;
}

/* A number that rlim_t cannot hold, such as infinity, is no limit: the conversion would be undefined. */
static rlim_t as_rlim(double value) { return value >= (double)RLIM_INFINITY ? RLIM_INFINITY : (rlim_t)value; }

static int set_resource(int resource, double value) {
  if (resource < 0) return ENOTSUP;
  struct rlimit both = {as_rlim(value), as_rlim(value)};
  /* At the hard limit of time, the system sends SIGKILL at once. So the program has a second for SIGXCPU: setrlimit(2). */
  if (resource == RLIMIT_CPU && both.rlim_max != RLIM_INFINITY) {
    struct rlimit ours;
    both.rlim_max++;
    if (getrlimit(RLIMIT_CPU, &ours) == 0 && ours.rlim_max < both.rlim_max && ours.rlim_max >= both.rlim_cur)
      both.rlim_max = ours.rlim_max;
  }
  return setrlimit(resource, &both) < 0 ? errno : 0;
}

static int apply(const struct sys_limits *limits, enum sys_limit limit) {
  double value = limits->values[limit];
  switch (limit) {
    case SYS_LIMIT_MEMORY:
      return set_resource(memory_resource, value);
    case SYS_LIMIT_CPU_TIME:
      return set_resource(RLIMIT_CPU, value);
    case SYS_LIMIT_OPEN_FILES:
      return set_resource(RLIMIT_NOFILE, value);
    case SYS_LIMIT_PROCESSES:
      return set_resource(RLIMIT_NPROC, value);
    case SYS_LIMIT_FILE_SIZE:
      return set_resource(RLIMIT_FSIZE, value);
    case SYS_LIMIT_CORE_SIZE:
      return set_resource(RLIMIT_CORE, value);
    case SYS_LIMIT_NICE:
      return setpriority(PRIO_PROCESS, 0, (int)value) < 0 ? errno : 0;
    case SYS_LIMIT_UMASK:
      umask((mode_t)value);
      return 0;
    case SYS_LIMIT_GROUPS:
      return set_groups((size_t)value, limits->groups);
    case SYS_LIMIT_GID:
      return set_gid((gid_t)value);
    case SYS_LIMIT_UID:
      return set_uid((uid_t)value);
    case SYS_LIMIT_NO_NEW_PRIVILEGES:
      return value != 0 ? forbid_new_privileges() : 0;
    default:
      return 0;
  }
}

int apply_limits(const struct sys_limits *limits, enum sys_limit *failed) {
  int error = 0;
  for (int limit = SYS_LIMIT_MEMORY; limit < SYS_LIMITS && error == 0; limit++) {
    *failed = (enum sys_limit)limit;
    if (has(limits, *failed)) error = apply(limits, *failed);
  }
  return error;
}
