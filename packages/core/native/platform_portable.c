#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "retry.h"
#include "system.h"

const int receive_flags = 0;
const int send_flags = 0;

ssize_t send_with_headers(int fd, const struct msghdr *message) {
  return sendmsg(fd, message, send_flags);
}

/* There is a moment between two calls in which another thread's fork(2) and exec(2) can inherit the descriptors. */
static void set_close_on_exec(const int fds[2]) {
  for (int i = 0; i < 2; i++) sys_set_close_on_exec(fds[i]);
}

int make_socket_pair(int fds[2]) {
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0) return -errno;
  set_close_on_exec(fds);
  return 0;
}

/* Opens the program's end of a terminal. */
static int open_peer(int master) {
  char path[128];
  if (grantpt(master) < 0 || unlockpt(master) < 0) return -errno;
  /* ptsname(3) has one buffer for all threads. */
  int error = ptsname_r(master, path, sizeof(path));
  if (error != 0) return error > 0 ? -error : -errno;
  int fd;
  RETRY(fd, open(path, O_RDWR | O_NOCTTY));
  return fd < 0 ? -errno : fd;
}

int open_terminal(int fds[2]) {
  fds[0] = posix_openpt(O_RDWR | O_NOCTTY);
  if (fds[0] < 0) return -errno;
  fds[1] = open_peer(fds[0]);
  if (fds[1] < 0) {
    sys_close(fds[0]);
    return fds[1];
  }
  set_close_on_exec(fds);
  return 0;
}

/* Returns the descriptor, or the negative errno of the call that made it. */
static int prepared(int fd) {
  if (fd < 0) return -errno;
  sys_set_close_on_exec(fd);
  int error = sys_set_nonblocking(fd, 1);
  if (error == 0) return fd;
  sys_close(fd);
  return error;
}

int make_local_socket(int type) { return prepared(socket(AF_UNIX, type, 0)); }

int accept_connection(int listener) {
  int fd;
  RETRY(fd, accept(listener, NULL, NULL));
  return prepared(fd);
}

/* No portable call takes `capacity`. The pipes of macOS grow by themselves. */
int sys_pipe(int fds[2], int capacity) {
  (void)capacity;
  if (pipe(fds) < 0) return -errno;
  set_close_on_exec(fds);
  return 0;
}

/* The file systems that have /dev/fd give a duplicate, which shares the description. */
int sys_reopen_nonblocking(int fd, int access) {
  (void)fd, (void)access;
  return -ENOTSUP;
}

void sys_close_from(int first) {
  for (int fd = first, end = getdtablesize(); fd < end; fd++) close(fd);
}

int set_groups(size_t count, const gid_t *groups) { return setgroups((int)count, groups) < 0 ? errno : 0; }

/* For a process of root, these set the saved id, too: setgid(2), setuid(2). */
int set_gid(gid_t gid) { return setgid(gid) < 0 ? errno : 0; }

int set_uid(uid_t uid) { return setuid(uid) < 0 ? errno : 0; }

/* The guard sends it. */
void set_death_signal(int signal) { (void)signal; }

/* No POSIX call forks without the handlers. */
pid_t fork_plainly(void) {
  pid_t pid = fork();
  return pid < 0 ? -errno : pid;
}
