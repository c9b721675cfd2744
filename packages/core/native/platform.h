/*
 * What differs from system to system beneath system.h. platform_linux.c and platform_mac.c each define all of it, besides the
 * calls of system.h that differ as a whole. binding.gyp names the files of the system that it builds for.
 */
#ifndef AIOPIPE_PLATFORM_H
#define AIOPIPE_PLATFORM_H

/* For recvmsg(2): the descriptors that come are close-on-exec. 0: the system has no such flag, and each must be set. */
extern const int receive_flags;

/* For send(2) and sendmsg(2): a closed peer raises no SIGPIPE. 0: the system has no such flag. */
extern const int send_flags;

/* For poll(2): the peer of a socket has closed. 0: the system reports that unasked. */
extern const short peer_closed;

/* socketpair(2) for streams of this machine, close-on-exec. The caller owns both descriptors. */
int make_socket_pair(int fds[2]);

/* Takes the SIGPIPE that is pending for this thread, which blocks it; does nothing if there is none. */
void take_broken_pipe_signal(void);

#endif
