/* The guard's own process: what guard.c and guard_linux.c or guard_mac.c share. */
#ifndef AIOPIPE_GUARD_PROCESS_H
#define AIOPIPE_GUARD_PROCESS_H

#include <sys/types.h>

/* --- Of the system --- */

/* Names the calling thread, and with it the guards that it forks. */
void name_guard(void);

/* As fork(2), with a negative errno. */
pid_t fork_guard(void);

/* In the new process: waits for the end of `parent`, ends the entries, and exits. */
void run_guard(pid_t parent) __attribute__((noreturn));

/* --- Of the table --- */

/* Sends a signal to all that is guarded. */
void signal_entries(int signal);

/* Ends all that is guarded: returns when each has ended, or has been killed as its entry says. */
void end_all_entries(void);

void pause_for(int milliseconds);

#endif
