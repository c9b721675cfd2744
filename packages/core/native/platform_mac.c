#include "platform.h"

#include <crt_externs.h>
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system.h"

const int receive_flags = 0;
const int send_flags = 0;
const short peer_closed = 0;

int make_socket_pair(int fds[2]) {
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0) return -errno;
  for (int i = 0; i < 2; i++) sys_set_close_on_exec(fds[i]);
  return 0;
}

void take_broken_pipe_signal(void) {
  sigset_t broken_pipe, pending;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  int signal;
  if (sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE)) sigwait(&broken_pipe, &signal);
}

/* macOS has no pipe2. Its pipes grow by themselves, and no call takes `capacity`. */
int sys_pipe(int fds[2], int capacity) {
  (void)capacity;
  if (pipe(fds) < 0) return -errno;
  for (int i = 0; i < 2; i++) sys_set_close_on_exec(fds[i]);
  return 0;
}

/* /dev/fd/N is a duplicate, which shares the description. */
int sys_reopen_nonblocking(int fd, int for_writing) {
  (void)fd, (void)for_writing;
  return -ENOTSUP;
}

void sys_close_from(int first) {
  for (int fd = first, end = getdtablesize(); fd < end; fd++) close(fd);
}

/* A library cannot name `environ` itself (environ(7)). */
char **sys_environment(void) { return *_NSGetEnviron(); }

/* macOS counts bytes here: getrusage(2). */
int64_t sys_peak_bytes(const struct rusage *usage) { return (int64_t)usage->ru_maxrss; }
