/*
 * Every system call that aiopipe makes. What differs between systems lies in files named *_linux.c, and for macOS in *_portable.c and
 * mac.c. binding.gyp takes those of the system that it builds for.
 *
 * Calls return the result that their comment names, or a negative errno, as libuv's do. They repeat a call that a signal interrupted. All
 * descriptors that they make are close-on-exec, and the caller owns them. A call borrows the descriptors among its arguments, unless
 * its comment says otherwise.
 */
#ifndef AIOPIPE_SYSTEM_H
#define AIOPIPE_SYSTEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/uio.h>

/* --- Descriptors --- */

/* Makes a pipe. `capacity` 0: the system's default. */
int sys_pipe(int fds[2], int capacity);

/* Makes two connected stream sockets of this machine. `buffer_size` 0: the system's default. */
int sys_socketpair(int fds[2], int buffer_size);

/* Sets the sizes of a socket's buffers, in bytes. The system may give less. 0: the system's default. */
int sys_set_buffers(int fd, int size);

/* Closes a descriptor. The caller does not own it any more, also if this returns an error. */
int sys_close(int fd);

/* Closes all descriptors from `first` on. Async-signal-safe. */
void sys_close_from(int first);

/* Returns another descriptor of the same open file description. */
int sys_duplicate(int fd);

int sys_set_nonblocking(int fd, int on);
int sys_set_close_on_exec(int fd);

/* Half-closes a socket. `how` is SHUT_RD, SHUT_WR or SHUT_RDWR. */
int sys_shutdown(int fd, int how);

/* The description of a descriptor: one kind, and a flag for each other fact. src/fd/description.ts has the same numbers. */
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

/* Returns an `enum sys_description`, or a negative errno. */
int sys_describe(int fd);

/* Returns whether the open file description is in non-blocking mode: 0 or 1, or a negative errno. */
int sys_is_nonblocking(int fd);

/*
 * Gives the number `fd` an open file description of its own, in non-blocking mode. Processes that share the old one see no change. Works
 * only for pipes, FIFOs and terminals on Linux. If it fails, nothing has changed. `access` is O_RDONLY, O_WRONLY or O_RDWR.
 */
int sys_reopen_nonblocking(int fd, int access);

/* Returns how many descriptors this process may have open. */
int sys_fd_limit(void);

#define SYS_MOST_WATCHED 8

/* Returns whether one of the descriptors, at most SYS_MOST_WATCHED, has something to read or has ended. Does not wait. */
int sys_any_readable(const int *fds, int count);

/* Lets other threads use this core first. */
void sys_yield(void);

/* Blocks until there is room to write or the other side has closed, and returns 1. Returns 0 after `milliseconds`. -1: no limit. */
int sys_wait_writable(int fd, int milliseconds);

/* --- Pseudo-terminals --- */

/*
 * Makes a pseudo-terminal of this size: fds[0] is its master, fds[1] the end of a program. -ENOSPC: the system has no more of them. The
 * master gives EIO while no process has the other end open, on Linux; so fds[1] must stay open until the program has it.
 */
int sys_terminal(int fds[2], int columns, int rows);

/* Returns whether no process has the other end of the terminal open any more, or this end was hung up. Does not wait. */
int sys_is_hung_up(int fd);

/* Sets the size of a terminal by its master. If it differs, the programs in the foreground get SIGWINCH. */
int sys_set_terminal_size(int master, int columns, int rows);

/* --- Sockets of this machine with a name: a path, or a NUL and an abstract name (Linux) --- */

/* The step of sys_listen_local() that failed. src/fd/local-socket.ts has the same numbers. */
enum sys_listen_stage {
  SYS_LISTEN_SOCKET = 0,
  SYS_LISTEN_BIND = 1,
  SYS_LISTEN_MODE = 2,
  SYS_LISTEN_LISTEN = 3,
  SYS_LISTEN_LOCK = 4,     /* the lock file beside the path, which a replacement needs */
  SYS_LISTEN_PROBE = 5,    /* the system does not tell whether a process has the socket */
  SYS_LISTEN_IN_USE = 6,   /* another process has the socket, or is about to */
  SYS_LISTEN_NO_SOCKET = 7 /* another file has the path */
};

/* Tells a file from a later one at the same path. */
struct sys_file_id {
  uint64_t device, inode;
};

struct sys_listening {
  enum sys_listen_stage stage; /* set if the call failed */
  struct sys_file_id file;     /* of the socket's path, if it has one */
};

/*
 * Returns a socket that listens, in non-blocking mode. Replaces the file of a socket that no process has any more, and no other file. The
 * path never gives more rights than `mode` while connections are possible. `out` is set also if this fails.
 */
int sys_listen_local(const char *name, size_t length, int mode, int backlog, struct sys_listening *out);

/* Removes a socket's path, if it is still this file. */
int sys_unlink_local(const char *name, size_t length, const struct sys_file_id *file);

/* Returns a connected socket. -EAGAIN: the listener's backlog is full. The kernel reports no event when that changes. */
int sys_connect_local(const char *name, size_t length, int buffer_size);

/* The process that connected, as the kernel knows it from that moment. */
struct sys_peer {
  pid_t pid; /* 0: this process cannot see it, because it is in another pid namespace */
  uid_t uid;
  gid_t gid;
};

/* Returns a connection that waits, and its peer; or -EAGAIN. -ECONNABORTED: the peer has gone. */
int sys_accept_local(int listener, int buffer_size, struct sys_peer *peer);

/* --- Bytes --- */

/*
 * How a call avoids blocking. Every process that shares an open file description can change its mode at any time. So O_NONBLOCK
 * protects only a description that this process alone has. On a system that has nothing else, SYS_OWN and SYS_SOCKET look at the mode
 * before each call: -EOPNOTSUPP if the call could block.
 */
enum sys_how {
  SYS_OWN = 0,    /* by O_NONBLOCK, which is set: no other process has this description */
  SYS_SOCKET = 1, /* MSG_DONTWAIT */
  SYS_SHARED = 2, /* RWF_NOWAIT: pipes of pipe(2), Linux 6.4; else -EOPNOTSUPP, and nothing has happened */
  SYS_SPLICED = 3 /* SPLICE_F_NONBLOCK: any pipe or FIFO on Linux, slower; else -EOPNOTSUPP */
};

/*
 * The calls that move bytes. One call moves at most SYS_MOST_AT_ONCE of them. None ends the process by SIGPIPE, in any disposition of
 * that signal.
 */
#define SYS_MOST_AT_ONCE ((size_t)0x7ffff000) /* MAX_RW_COUNT of Linux; macOS refuses more than INT_MAX */
ssize_t sys_read(int fd, void *bytes, size_t length, enum sys_how how);

/* May change the parts. */
ssize_t sys_write(int fd, struct iovec *parts, int count, enum sys_how how);

/* The most descriptors that one message carries: SCM_MAX_FD in Linux' net/scm.h. */
#define SYS_MAX_PASSED_FDS 253

/* Writes to a socket of this machine. Duplicates of `passed` travel with the bytes; the caller still owns the originals. */
ssize_t sys_send_with_fds(int fd, struct iovec *parts, int count, const int *passed, int passed_count);

/*
 * Reads from a socket, and receives the descriptors that came along: at most SYS_MAX_PASSED_FDS into `passed`. The caller then owns
 * them. If the kernel could not pass all of them (our limit of open files), `*passed_count` is -1, and this closes the rest.
 */
ssize_t sys_receive_with_fds(int fd, void *bytes, size_t length, int *passed, int *passed_count);

/* Ignores SIGPIPE, as Node does: a write to a pipe without a reader is then an error also in other code. */
void sys_ignore_broken_pipe_signal(void);

/* --- Shared memory: a segment is a descriptor that any number of processes map --- */

/* Makes a segment of zeros, which cannot shrink. */
int sys_memory_make(int64_t length);

/*
 * Returns the length of a segment that cannot shrink. Other results: -ENOTSUP, it is no shared memory; -EACCES, it is not open for what
 * a mapping needs; -EPERM, it can shrink, and then each later access could raise SIGBUS. If `may_seal` is set, this seals it against that.
 */
int64_t sys_memory_inspect(int fd, int may_seal);

/* Returns whether no process can write to the segment through this descriptor. */
int sys_memory_is_read_only(int fd);

/* Keeps all processes from mapping the segment for writing, and from writing to it. Mappings that are there stay. */
int sys_memory_forbid_writes(int fd);

struct sys_mapping {
  void *address;
  size_t length;
  uint64_t device, inode; /* name the segment, while it is mapped. An `inode` of 0: it has no name, or the mapping is private */
};

/*
 * Maps `mapping->length` bytes of a segment for reading and writing, and sets the rest of `*mapping`. A private mapping shows the segment's
 * bytes, but what is written to it stays in this process. It is for segments that can only be read: with a mapping without PROT_WRITE,
 * JavaScript that writes would end the process. No fork of this process has the mapping.
 */
int sys_memory_map(int fd, int is_private, struct sys_mapping *mapping);
void sys_memory_unmap(const struct sys_mapping *mapping);

/* --- Processes --- */

/* What a child may do, in the order in which it applies that. src/program/limits.ts has the same order. */
enum sys_limit {
  SYS_LIMIT_CGROUP = 0,     /* a descriptor of a cgroup's file cgroup.procs */
  SYS_LIMIT_MEMORY = 1,     /* bytes; infinity, here and below: no limit */
  SYS_LIMIT_CPU_TIME = 2,   /* seconds */
  SYS_LIMIT_OPEN_FILES = 3,
  SYS_LIMIT_PROCESSES = 4,
  SYS_LIMIT_FILE_SIZE = 5,  /* bytes */
  SYS_LIMIT_CORE_SIZE = 6,  /* bytes */
  SYS_LIMIT_NICE = 7,
  SYS_LIMIT_UMASK = 8,
  SYS_LIMIT_GROUPS = 9,     /* the number of groups */
  SYS_LIMIT_GID = 10,
  SYS_LIMIT_UID = 11,
  SYS_LIMIT_NO_NEW_PRIVILEGES = 12,
  SYS_LIMITS = 13
};

struct sys_limits {
  const double *values; /* by enum sys_limit. NaN: not given */
  const gid_t *groups;
};

/* A process group of sys_spawn(), beside the pid of a leader. src/program/spawn.ts has the same numbers. */
enum sys_group {
  SYS_GROUP_OURS = -1,
  SYS_GROUP_OWN = 0,
  /* The program leads a session, too. The terminal at its descriptor 0 becomes the controlling one. */
  SYS_GROUP_SESSION = -2
};

struct sys_spawn {
  char *const *candidates; /* paths to try in order, as execvp would along PATH; NULL ends */
  char *const *argv;
  char *const *env;
  const char *cwd;     /* NULL: ours */
  const int32_t *fds;  /* pairs of our number and the child's number; all of the child's numbers differ */
  size_t fd_count;     /* pairs */
  int group;           /* an enum sys_group, or the group to join */
  struct guarded *guarded; /* the entry that the child fills, or NULL: see guard.h */
  const struct sys_limits *limits; /* NULL: ours */
  int death_signal;    /* the child gets it when the thread that spawned it ends; 0: none. Elsewhere than on Linux, the guard sends SIGTERM */
};

enum sys_spawn_stage {
  SYS_STAGE_EXEC = 0,
  SYS_STAGE_CWD = 1,
  SYS_STAGE_FDS = 2,
  SYS_STAGE_GROUP = 3,
  SYS_STAGE_FORK = 4,
  SYS_STAGE_WATCH = 5,
  SYS_STAGE_GUARD = 6,
  SYS_STAGE_TERMINAL = 7,
  SYS_STAGE_LIMIT = 16 /* and an enum sys_limit */
};

/*
 * Starts a program with the descriptors of the map and no others, an empty signal mask and default dispositions. Returns its pid, and
 * sets `*exit_fd` to a descriptor that becomes readable when the program ends; the caller must close it. If it fails, it returns a
 * negative errno, and sets `*stage` to the step that failed.
 */
pid_t sys_spawn(const struct sys_spawn *spawn, int *exit_fd, enum sys_spawn_stage *stage);

/* Returns the environment of this process, which still owns it. */
char **sys_environment(void);

/* Returns 1 if our child `pid` has ended, with its status as wait(2) gives it; 0 if it still runs. */
int sys_reap(pid_t pid, int *status, struct rusage *usage);

/* Does the same without the status. Returns a negative errno for what is no child of ours. */
int sys_reap_ended(pid_t pid);

/* Waits for the end of our child `pid`, without a limit, and reaps it. */
void sys_reap_waiting(pid_t pid);

/* Starts a thread that waits for the end of our child `pid` and reaps it, so that it leaves no zombie. */
void sys_reap_later(pid_t pid);

/* Returns the size of the largest resident set, in bytes. */
int64_t sys_peak_bytes(const struct rusage *usage);

/* Sends a signal. `pid` may be a negated process group. */
int sys_kill(pid_t pid, int signal);

/*
 * Starts a thread that ends this process when the other end of the socket `fd` closes, and with it the process group that it leads. It
 * sends SIGKILL, and if `grace` is not 0, SIGTERM as many milliseconds before. A busy event loop does not delay it. A process
 * has one such thread: another call changes the grace.
 */
int sys_watch_lifeline(int fd, int grace);

/* Starts a detached thread with all signals blocked. It ends when `run` returns. */
int sys_start_thread(void *(*run)(void *), void *argument);

/*
 * Sets the process's mark, unless `mark` is negative, and returns it. The mark is one number for all threads, each of which has its own
 * globals in JavaScript. It is 0 at first.
 */
int sys_process_mark(int mark);

#endif
