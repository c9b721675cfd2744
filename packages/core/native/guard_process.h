/* The guard's own process: functions that guard.c shares with guard_linux.c or guard_portable.c. */
#ifndef AIOPIPE_GUARD_PROCESS_H
#define AIOPIPE_GUARD_PROCESS_H

#include <sys/types.h>

/* --- Functions of the system --- */

/* Names the calling thread, and with it the guards that it forks. */
void name_guard(void);

/* Runs in the new process: waits for the end of `parent`, ends the entries, and exits. */
void run_guard(pid_t parent) __attribute__((noreturn));

/* --- Functions of the table --- */

/* Sends a signal to every entry. */
void signal_entries(int signal);

/* Ends every entry. Returns when each has ended, or was killed after its time. */
void end_all_entries(void);

void pause_for(int milliseconds);

#endif
