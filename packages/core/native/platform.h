/*
 * The differences between systems beneath system.h. platform_linux.c defines all of it, and the calls of system.h that differ as a
 * whole. Elsewhere platform_portable.c and mac.c do. binding.gyp names the files of the system that it builds for.
 */
#ifndef AIOPIPE_PLATFORM_H
#define AIOPIPE_PLATFORM_H

#include <sys/types.h>

/* Makes recvmsg(2) set close-on-exec on the descriptors that arrive. 0: the system has no such flag, and each must be set. */
extern const int receive_flags;

/*
 * Makes send(2) and sendmsg(2) never block, and raise no SIGPIPE if the peer has closed. 0: the system has no such flags. macOS takes
 * MSG_DONTWAIT, but still waits for room in the buffer.
 */
extern const int send_flags;

struct msghdr;

/* sendmsg(2) with `send_flags`. Returns -1 and sets errno, as that does. All bytes of the headers between their fields must be 0. */
ssize_t send_with_headers(int fd, const struct msghdr *message);

/* Makes a local stream socketpair(2), close-on-exec. The caller owns both descriptors. */
int make_socket_pair(int fds[2]);

/*
 * Opens the two ends of a new pseudo-terminal, close-on-exec: its master first. Neither becomes our controlling terminal. The caller owns
 * both.
 */
int open_terminal(int fds[2]);

/* Makes a local socket, close-on-exec and in non-blocking mode. `type` is SOCK_STREAM or SOCK_DGRAM. */
int make_local_socket(int type);

/* Returns the next connection of a listening socket, close-on-exec and in non-blocking mode; or -EAGAIN. */
int accept_connection(int listener);

struct sys_peer;

/* Gets the process that connected a local socket, or listened for it. */
int peer_of(int fd, struct sys_peer *peer);

/* --- Called by a child between fork and exec; async-signal-safe. They return 0 or an errno. --- */

/* The resource of setrlimit(2) that limits what a process may allocate. -1: the system has none. */
extern const int memory_resource;

/*
 * Change the child's process alone. The C library's own calls on Linux signal all threads that it knows of: in a child of vfork(2), or of
 * clone(2), those of the parent.
 */
int set_groups(size_t count, const gid_t *groups);
int set_gid(gid_t gid);
int set_uid(uid_t uid);

/* No exec(2) gives the process more rights from now on: setuid programs run as any other. */
int forbid_new_privileges(void);

/* Asks for a signal at the end of the thread that started the child, on Linux. */
void set_death_signal(int signal);

/* Forks as fork(2) does, without handlers of other libraries (pthread_atfork(3)). Returns a negative errno if that fails. */
pid_t fork_plainly(void);

/* --- */

/* Returns when the peer of a socket has closed, or has ended what it sends. Bytes that wait to be read stay there. */
void wait_for_peer_end(int fd);

#endif
