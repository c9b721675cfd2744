/*
 * Every system call that aiopipe makes. What differs between systems lies in files named *_linux.c and *_mac.c, of which
 * binding.gyp takes those of the system that it builds for.
 *
 * Calls return what they say, or a negative errno, as libuv's do; they make a call again that a signal interrupted. All
 * descriptors that they make are close-on-exec and owned by the caller. A call that is given a descriptor borrows it, unless it says so.
 */
#ifndef AIOPIPE_SYSTEM_H
#define AIOPIPE_SYSTEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/uio.h>

/* --- Descriptors --- */

/* `capacity` 0: the system's default. */
int sys_pipe(int fds[2], int capacity);

/* Two connected stream sockets of this machine. `buffer_size` 0: the system's default. */
int sys_socketpair(int fds[2], int buffer_size);

/* Ends the caller's ownership, whatever it returns. */
int sys_close(int fd);

/* Closes all descriptors from `first` on. Async-signal-safe. */
void sys_close_from(int first);

/* Returns another descriptor of the same open file description. */
int sys_duplicate(int fd);

int sys_set_nonblocking(int fd, int on);
int sys_set_close_on_exec(int fd);

/* Half-close: `how` is SHUT_RD, SHUT_WR or SHUT_RDWR. */
int sys_shutdown(int fd, int how);

/* What a descriptor is: one kind, and a flag for each other fact. src/fd/description.ts has the same numbers. */
enum sys_description {
  SYS_KIND_PIPE = 1,     /* a pipe or a FIFO */
  SYS_KIND_SOCKET = 2,   /* a stream socket that does not listen */
  SYS_KIND_TERMINAL = 3,
  SYS_KIND_POLLABLE = 4, /* anything else that poll(2) can wait for, such as an eventfd */
  SYS_KIND_FILE = 5,     /* always ready: a regular file, a directory, a block device, /dev/null */
  SYS_KIND_LISTENER = 6, /* a socket that accepts connections */
  SYS_KIND_DATAGRAM = 7, /* a socket whose messages have bounds: datagrams, packets in sequence, raw */
  SYS_KIND_MASK = 15,
  SYS_CAN_READ = 16,
  SYS_CAN_WRITE = 32,
  SYS_IS_LOCAL = 64, /* a socket of this machine (AF_UNIX) */
  SYS_IS_NONBLOCKING = 128
};

/* An `enum sys_description`, or a negative errno. */
int sys_describe(int fd);

/* Whether the open file description is in non-blocking mode: 0 or 1, or a negative errno. */
int sys_is_nonblocking(int fd);

/*
 * Gives the number `fd` an open file description of its own, in non-blocking mode: others that share the old one see
 * nothing of it. For pipes, FIFOs and terminals on Linux only; if it fails, nothing has changed.
 */
int sys_reopen_nonblocking(int fd, int for_writing);

/* How many descriptors this process may have open. */
int sys_fd_limit(void);

#define SYS_MOST_WATCHED 8

/* Whether one of them, SYS_MOST_WATCHED at most, has something to read or has ended. Does not wait. */
int sys_any_readable(const int *fds, int count);

/* Lets other threads use this core for now. */
void sys_yield(void);

/* Blocks until something can be written or the other side has gone: 1. 0: that took `milliseconds`. -1 milliseconds: no limit. */
int sys_wait_writable(int fd, int milliseconds);

/* --- Bytes --- */

/*
 * How a call is made so that it does not block. Every process that shares an open file description can change its mode at any
 * time, so O_NONBLOCK protects only a description that we alone have.
 */
enum sys_how {
  SYS_OWN = 0,    /* by O_NONBLOCK, which is set: nothing else has this description */
  SYS_SOCKET = 1, /* MSG_DONTWAIT */
  SYS_SHARED = 2, /* RWF_NOWAIT: pipes of pipe(2), Linux 6.4; else -EOPNOTSUPP, and nothing has happened */
  SYS_SPLICED = 3 /* SPLICE_F_NONBLOCK: any pipe or FIFO on Linux, slower; else -EOPNOTSUPP */
};

/*
 * The calls that move bytes: at most SYS_MOST_AT_ONCE of them, however many were given. None raises a SIGPIPE that would
 * end the process, whatever the signal's disposition is now.
 */
#define SYS_MOST_AT_ONCE ((size_t)0x7ffff000) /* MAX_RW_COUNT of Linux; macOS refuses more than INT_MAX */
ssize_t sys_read(int fd, void *bytes, size_t length, enum sys_how how);

/* May change the parts. */
ssize_t sys_write(int fd, struct iovec *parts, int count, enum sys_how how);

/* The most descriptors that one message carries: SCM_MAX_FD in Linux' net/scm.h. */
#define SYS_MAX_PASSED_FDS 253

/* Writes to a socket of this machine. Duplicates of `passed` travel with the bytes: the caller still owns its own. */
ssize_t sys_send_with_fds(int fd, struct iovec *parts, int count, const int *passed, int passed_count);

/*
 * Reads from a socket, and takes the descriptors that came along: at most SYS_MAX_PASSED_FDS into `passed`, which the caller
 * then owns. If the kernel could not hand all of them over (our limit of open files), `*passed_count` is -1, and those that
 * came are closed.
 */
ssize_t sys_receive_with_fds(int fd, void *bytes, size_t length, int *passed, int *passed_count);

/* A write to a pipe without a reader is an error in code of others as well, as it is in Node itself. */
void sys_ignore_broken_pipe_signal(void);

/* --- Processes --- */

struct sys_spawn {
  char *const *candidates; /* paths to try in order, as execvp would along PATH; NULL ends */
  char *const *argv;
  char *const *env;
  const char *cwd;     /* NULL: ours */
  const int32_t *fds;  /* pairs: our number, the child's number; the child's numbers are all different */
  size_t fd_count;     /* pairs */
  int group;           /* -1: ours; 0: its own; otherwise the one to join */
  struct guarded *guarded; /* where the child enters itself, or NULL: see guard.h */
  int death_signal;    /* sent when the thread that spawned it has ended; 0: none. Linux only. */
};

enum sys_spawn_stage {
  SYS_STAGE_EXEC = 0,
  SYS_STAGE_CWD = 1,
  SYS_STAGE_FDS = 2,
  SYS_STAGE_GROUP = 3,
  SYS_STAGE_FORK = 4,
  SYS_STAGE_WATCH = 5,
  SYS_STAGE_GUARD = 6
};

/*
 * Starts a program with the descriptors of the map and no others, an empty signal mask and default dispositions.
 * Returns its pid, and in `*exit_fd` a descriptor that becomes readable when it ends, for the caller to close; or a negative
 * errno, and in `*stage` what failed.
 */
pid_t sys_spawn(const struct sys_spawn *spawn, int *exit_fd, enum sys_spawn_stage *stage);

/* Returns a descriptor that becomes readable when that process ends. */
int sys_open_exit_fd(pid_t pid);

/* The environment of this process, which it still owns. */
char **sys_environment(void);

/* The status of our child `pid` as wait(2) gives it: 1 if it has ended, 0 if not yet. */
int sys_reap(pid_t pid, int *status, struct rusage *usage);

/* Waits for the end of our child `pid`, however long it takes. */
void sys_reap_waiting(pid_t pid);

/* Has a thread of its own wait for the end of our child `pid`, so that it leaves no zombie. */
void sys_reap_later(pid_t pid);

/* The largest resident set. */
int64_t sys_peak_bytes(const struct rusage *usage);

/* `pid` may be a negated process group. */
int sys_kill(pid_t pid, int signal);

/*
 * Starts a thread that ends this process, and the process group that it leads, once the other end of the socket `fd`
 * is closed: by SIGKILL, and if `grace` is not 0, by SIGTERM as many milliseconds before. A busy event loop does not
 * delay it. A process has one such thread: another call changes the grace.
 */
int sys_watch_lifeline(int fd, int grace);

/* Starts a thread, detached, with all signals blocked, that ends with `run`. */
int sys_start_thread(void *(*run)(void *), void *argument);

/*
 * A number that this process keeps for all of its threads, each of which has globals of its own in JavaScript; 0 at first.
 * Sets it, unless it is negative, and returns what it is then.
 */
int sys_process_mark(int mark);

#endif
