/*
 * The mappings of segments that moved away. They stay for a short while: if a segment comes back, as in a ring, it is still mapped, with
 * all its pages. For 1 MiB, that saves 0.5 ms of page faults and 0.06 ms of munmap(2) on each side. No JavaScript can reach these pages.
 */
#ifndef AIOPIPE_LINGERING_H
#define AIOPIPE_LINGERING_H

#include <stdbool.h>

#include "system.h"

/* Unmaps it later, in another thread, unless it is taken back before. */
void linger(const struct sys_mapping *mapping);

/* Sets the address, if there is such a mapping of the same segment and length. The caller has it then. */
bool take_lingering(struct sys_mapping *mapping);

#endif
