#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "retry.h"
#include "system.h"

const int receive_flags = MSG_CMSG_CLOEXEC;
const int send_flags = MSG_DONTWAIT | MSG_NOSIGNAL;

ssize_t send_with_headers(int fd, const struct msghdr *message) {
#if defined(SYS_sendmsg) && !defined(__GLIBC__)
  /* sendmsg() of musl 1.2.3 copies the control part to 1 KiB, and so fails with ENOMEM for 253 descriptors. */
  return syscall(SYS_sendmsg, fd, message, send_flags);
#else
  return sendmsg(fd, message, send_flags);
#endif
}

int make_socket_pair(int fds[2]) {
  return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
}

/* Opens the program's end of a terminal. */
static int open_peer(int master) {
  const int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
  int fd, number;
  /* Without a path: this process's /dev/pts may be another one than the master's, or none. */
  RETRY(fd, ioctl(master, TIOCGPTPEER, flags));
  if (fd >= 0 || (errno != EINVAL && errno != ENOTTY)) return fd < 0 ? -errno : fd;
  /* Linux before 4.13 */
  if (ioctl(master, TIOCGPTN, &number) < 0) return -errno;
  char path[32];
  (void)snprintf(path, sizeof(path), "/dev/pts/%d", number);
  RETRY(fd, open(path, flags));
  return fd < 0 ? -errno : fd;
}

int open_terminal(int fds[2]) {
  const int unlocked = 0;
  /* Not posix_openpt(3): musl reports EAGAIN for ENOSPC. */
  RETRY(fds[0], open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (fds[0] < 0) return -errno;
  fds[1] = ioctl(fds[0], TIOCSPTLCK, &unlocked) < 0 ? -errno : open_peer(fds[0]);
  if (fds[1] >= 0) return 0;
  sys_close(fds[0]);
  return fds[1];
}

int make_local_socket(int type) {
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  return fd < 0 ? -errno : fd;
}

int accept_connection(int listener) {
  int fd;
  RETRY(fd, accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
  return fd < 0 ? -errno : fd;
}

int peer_of(int fd, struct sys_peer *peer) {
  struct ucred who;
  socklen_t length = sizeof(who);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) < 0) return -errno;
  *peer = (struct sys_peer){.pid = who.pid, .uid = who.uid, .gid = who.gid};
  return 0;
}

void wait_for_peer_end(int fd) {
  struct pollfd entry = {.fd = fd, .events = POLLRDHUP};
  poll_until(&entry, 1, -1);
}

int sys_pipe(int fds[2], int capacity) {
  if (pipe2(fds, O_CLOEXEC) < 0) return -errno;
  if (capacity <= 0 || fcntl(fds[1], F_SETPIPE_SZ, capacity) >= 0) return 0;
  int error = -errno;
  sys_close(fds[0]);
  sys_close(fds[1]);
  return error;
}

/*
 * A new description of a FIFO without a writer reports the end only after a writer has come and gone: it may be too early for one.
 * Only the old description shows whether the FIFO has ended.
 */
static bool has_ended(int fd) {
  struct pollfd entry = {.fd = fd, .events = POLLIN};
  return poll_until(&entry, 1, 0) > 0 && (entry.revents & POLLHUP) != 0;
}

int sys_reopen_nonblocking(int fd, int access) {
  struct stat status;
  if (fstat(fd, &status) < 0) return -errno;
  /* Opening the multiplexer makes another terminal (pts(4)). */
  if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(5, 2)) return -ENOTSUP;

  char path[32];
  (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  int own;
  RETRY(own, open(path, (access & O_ACCMODE) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (own < 0) return -errno;
  int result;
  if (access == O_RDONLY && S_ISFIFO(status.st_mode) && has_ended(fd)) result = -ENOTSUP;
  else result = dup3(own, fd, O_CLOEXEC) < 0 ? -errno : 0;
  sys_close(own);
  return result;
}

/* The entries of getdents64(2). The C library has no name for them. */
struct entry {
  uint64_t inode;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

static int close_listed_from(int first) {
  int directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return -errno;
  _Alignas(struct entry) char list[1024];
  long length;
  while ((length = syscall(SYS_getdents64, directory, list, sizeof(list))) > 0) {
    for (long at = 0; at < length;) {
      struct entry *entry = (struct entry *)(list + at);
      at += entry->length;
      int fd = 0;
      for (const char *digit = entry->name; *digit >= '0' && *digit <= '9'; digit++) fd = 10 * fd + (*digit - '0');
      if (entry->name[0] != '.' && fd >= first && fd != directory) close(fd);
    }
  }
  if (directory >= first || length < 0) close(directory);
  return length < 0 ? -errno : 0;
}

void sys_close_from(int first) {
  /* Old kernels and filters of system calls lack close_range. If there is no /proc either, the loop tries every number. */
  if (syscall(SYS_close_range, (unsigned)first, ~0U, 0U) == 0 || close_listed_from(first) == 0) return;
  struct rlimit limit;
  int end = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 1 << 20 ? (int)limit.rlim_cur : 1 << 20;
  for (int fd = first; fd < end; fd++) close(fd);
}

char **sys_environment(void) { return environ; }

/* Of all that a process maps, RLIMIT_DATA counts what is private and can be written to. RLIMIT_AS also counts what V8 only reserves. */
const int memory_resource = RLIMIT_DATA;

/* The calls that take 32-bit ids have names of their own on 32-bit systems. */
#ifndef SYS_setgroups32
#define SYS_setgroups32 SYS_setgroups
#define SYS_setresgid32 SYS_setresgid
#define SYS_setresuid32 SYS_setresuid
#endif

int set_groups(size_t count, const gid_t *groups) { return syscall(SYS_setgroups32, count, groups) < 0 ? errno : 0; }

int set_gid(gid_t gid) { return syscall(SYS_setresgid32, gid, gid, gid) < 0 ? errno : 0; }

int set_uid(uid_t uid) { return syscall(SYS_setresuid32, uid, uid, uid) < 0 ? errno : 0; }

int forbid_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? errno : 0; }

void set_death_signal(int signal) { prctl(PR_SET_PDEATHSIG, signal); }

pid_t fork_plainly(void) {
  pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  return pid < 0 ? -errno : pid;
}

int64_t sys_peak_bytes(const struct rusage *usage) { return (int64_t)usage->ru_maxrss * 1024; }
