/* What a child does between fork and exec. Both are for spawn_linux.c and spawn_portable.c. */
#ifndef AIOPIPE_SPAWN_CHILD_H
#define AIOPIPE_SPAWN_CHILD_H

#include <stdbool.h>

#include "system.h"

/* The child's report of the step that failed. */
struct spawn_report {
  volatile int error; /* 0: none */
  volatile enum sys_spawn_stage stage;
  int fd; /* the pipe that takes the report, or -1: the child shares our memory until it becomes the program */
};

/* The memory that a child needs. It must not allocate any. */
struct spawn_memory {
  int *moved;        /* room for as many numbers as there are pairs of descriptors */
  char **shell_argv; /* room for shell_argv_size() words */
};

/* Whether the program leads a process group. */
bool leads_group(const struct sys_spawn *spawn);

/* Returns 0 or a negative errno. The caller must call free_spawn_memory(), also if this fails. */
int get_spawn_memory(const struct sys_spawn *spawn, struct spawn_memory *memory);
void free_spawn_memory(struct spawn_memory *memory);

/* Runs in the child of `parent`: becomes the program, or reports and exits. All signals are blocked. Async-signal-safe. */
void become_program(const struct sys_spawn *spawn, const struct spawn_memory *memory, pid_t parent,
                    struct spawn_report *report) __attribute__((noreturn));

/*
 * Starts the program by a fork that has its own memory. Returns its pid, or a negative errno; if the child has made a step that failed,
 * `report` has the error, and the caller must reap the child. Blocks until the child is the program. All signals must be blocked.
 */
pid_t start_forked(const struct sys_spawn *spawn, const struct spawn_memory *memory, struct spawn_report *report);

#endif
