/*
 * The differences between systems beneath system.h. platform_linux.c and platform_mac.c each define all of it, and the calls of
 * system.h that differ as a whole. binding.gyp names the files of the system that it builds for.
 */
#ifndef AIOPIPE_PLATFORM_H
#define AIOPIPE_PLATFORM_H

/* Makes recvmsg(2) set close-on-exec on the descriptors that arrive. 0: the system has no such flag, and each must be set. */
extern const int receive_flags;

/* Makes send(2) and sendmsg(2) raise no SIGPIPE if the peer has closed. 0: the system has no such flag. */
extern const int send_flags;

/* Makes poll(2) report that the peer of a socket has closed. 0: the system always reports that. */
extern const short peer_closed;

/* Makes a local stream socketpair(2), close-on-exec. The caller owns both descriptors. */
int make_socket_pair(int fds[2]);

/* Takes the SIGPIPE that is pending for this thread, which blocks it; does nothing if there is none. */
void take_broken_pipe_signal(void);

#endif
