/*
 * What the *_portable.c files ask of the system. They use only what POSIX has, and run on macOS. mac.c has the answers there. For tests,
 * they also run on Linux: see `npm run test:portable`.
 */
#ifndef AIOPIPE_PORTABLE_H
#define AIOPIPE_PORTABLE_H

#include <spawn.h>
#include <sys/types.h>

#include "system.h"

/*
 * Makes the program of a posix_spawn(2) inherit only the descriptors of the map, whose actions were added before. May add to the actions
 * and to the flags. Returns 0, or a negative errno.
 */
int inherit_only_map(const struct sys_spawn *spawn, posix_spawn_file_actions_t *actions, short *flags);

/* Returns when `parent`, whose child calls this, has ended. */
void wait_for_parent(pid_t parent);

#endif
