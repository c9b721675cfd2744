/*
 * What the *_portable.c files ask of the system. They use only what POSIX has, and run on macOS. mac.c has the answers there. For tests,
 * they also run on Linux: see `npm run test:portable`.
 */
#ifndef AIOPIPE_PORTABLE_H
#define AIOPIPE_PORTABLE_H

#include <spawn.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "system.h"

/*
 * Makes the program of a posix_spawn(2) inherit only the descriptors of the map, whose actions were added before. May add to the actions
 * and to the flags. Returns 0, or a negative errno.
 */
int inherit_only_map(const struct sys_spawn *spawn, posix_spawn_file_actions_t *actions, short *flags);

/* Returns when `parent`, whose child calls this, has ended. */
void wait_for_parent(pid_t parent);

/* Makes a fork of this process, such as the guard, lack a mapping: the memory would be in use as long as the fork lives. */
void keep_from_forks(void *address, size_t length);

/* Returns whether fstat(2) has described shared memory of shm_open(3). */
bool is_shared_memory(const struct stat *status);

#endif
