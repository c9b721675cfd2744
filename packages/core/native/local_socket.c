/* The part of system.h for sockets of this machine that have a name. platform.h has what differs between systems. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "platform.h"
#include "retry.h"
#include "system.h"

#define LOCK_SUFFIX ".lock"

struct address {
  struct sockaddr_un name;
  socklen_t length;
  bool is_abstract;
};

static int make_address(const char *bytes, size_t length, struct address *address) {
  *address = (struct address){.name.sun_family = AF_UNIX, .is_abstract = length > 0 && bytes[0] == '\0'};
  /* An abstract name is exact. A path ends at a NUL, which needs room. */
  size_t room = sizeof(address->name.sun_path) - (address->is_abstract ? 0 : 1);
  if (length == 0) return -EINVAL;
  if (length > room) return -ENAMETOOLONG;
  if (!address->is_abstract && memchr(bytes, '\0', length) != NULL) return -EINVAL;
  memcpy(address->name.sun_path, bytes, length);
  address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (address->is_abstract ? 0 : 1));
  return 0;
}

static int connect_to(int fd, const struct address *address) {
  int result;
  RETRY(result, connect(fd, (const struct sockaddr *)&address->name, address->length));
  return result < 0 ? -errno : 0;
}

static int bind_to(int fd, const struct address *address) {
  return bind(fd, (const struct sockaddr *)&address->name, address->length) < 0 ? -errno : 0;
}

static bool is_file(const struct stat *status, const struct sys_file_id *file) {
  return (uint64_t)status->st_dev == file->device && (uint64_t)status->st_ino == file->inode;
}

/* --- A stale file --- */

/*
 * Listeners that replace the file of a socket exclude each other by a lock file beside it. The kernel takes the lock from a process that
 * ends, however it ends. Its file stays behind then, and the next listener takes it over.
 */
static int take_lock(const char *path) {
  for (int tries = 0; tries < 100; tries++) {
    int fd, result;
    RETRY(fd, open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (fd < 0) return -errno;
    RETRY(result, flock(fd, LOCK_EX | LOCK_NB));
    struct stat locked, there;
    if (result < 0) {
      int error = -errno;
      sys_close(fd);
      return error;
    }
    /* The one that had the lock before may have removed the file. The lock of a removed file excludes no other process. */
    if (fstat(fd, &locked) == 0 && lstat(path, &there) == 0 && locked.st_dev == there.st_dev &&
        locked.st_ino == there.st_ino)
      return fd;
    sys_close(fd);
  }
  return -EWOULDBLOCK;
}

/* A file with bytes in it is not ours. */
static void release_lock(const char *path, int fd) {
  struct stat status;
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0) unlink(path);
  sys_close(fd);
}

/*
 * Returns 0 if the file of a socket is stale or gone. A connect of another type tells without becoming a connection: the kernel says
 * EPROTOTYPE while a process has the socket, also before it listens, and ECONNREFUSED if no process has it any more.
 */
static int check_stale(const struct address *address, enum sys_listen_stage *stage) {
  struct stat status;
  *stage = SYS_LISTEN_PROBE;
  if (lstat(address->name.sun_path, &status) < 0) return errno == ENOENT ? 0 : -errno;
  if (!S_ISSOCK(status.st_mode)) {
    *stage = SYS_LISTEN_NO_SOCKET;
    return -EADDRINUSE;
  }
  int fd = make_local_socket(SOCK_DGRAM);
  if (fd < 0) return fd;
  int error = connect_to(fd, address);
  sys_close(fd);
  if (error == -ECONNREFUSED || error == -ENOENT) return 0;
  if (error != 0 && error != -EPROTOTYPE) return error;
  *stage = SYS_LISTEN_IN_USE;
  return -EADDRINUSE;
}

static int replace_stale(int fd, const struct address *address, enum sys_listen_stage *stage) {
  char lock_path[sizeof(address->name.sun_path) + sizeof(LOCK_SUFFIX)];
  (void)snprintf(lock_path, sizeof(lock_path), "%s" LOCK_SUFFIX, address->name.sun_path);
  int lock = take_lock(lock_path);
  if (lock < 0) {
    *stage = lock == -EWOULDBLOCK ? SYS_LISTEN_IN_USE : SYS_LISTEN_LOCK;
    return lock == -EWOULDBLOCK ? -EADDRINUSE : lock;
  }
  int error = check_stale(address, stage);
  if (error == 0) {
    *stage = SYS_LISTEN_BIND;
    if (unlink(address->name.sun_path) < 0 && errno != ENOENT) error = -errno;
    else error = bind_to(fd, address);
  }
  /* A listener that found no file has bound its own meanwhile. */
  if (error == -EADDRINUSE && *stage == SYS_LISTEN_BIND) *stage = SYS_LISTEN_IN_USE;
  release_lock(lock_path, lock);
  return error;
}

/* --- Listening --- */

/*
 * Gives the file the mode. No connect succeeds before listen(2), so nothing can use a wider mode until then. Linux takes the mode from
 * the socket, less the umask. What is missing, and all of it on macOS, comes afterwards.
 */
static int set_mode(const char *path, int mode, struct sys_file_id *file) {
  struct stat status;
  if (lstat(path, &status) < 0) return -errno;
  if (!S_ISSOCK(status.st_mode)) return -ENOTSOCK;
  *file = (struct sys_file_id){.device = (uint64_t)status.st_dev, .inode = (uint64_t)status.st_ino};
  if ((status.st_mode & 0777) == (mode_t)mode) return 0;
  if (fchmodat(AT_FDCWD, path, (mode_t)mode, AT_SYMLINK_NOFOLLOW) == 0) return 0;
  /* glibc before 2.32 lacks the flag, which another user's link could need only in a directory that others can change. */
  if (errno != EOPNOTSUPP && errno != ENOTSUP) return -errno;
  return chmod(path, (mode_t)mode) < 0 ? -errno : 0;
}

static int begin_listening(int fd, const struct address *address, int mode, int backlog, struct sys_listening *out) {
  const char *path = address->name.sun_path;
  out->stage = SYS_LISTEN_BIND;
  if (!address->is_abstract) (void)!fchmod(fd, (mode_t)mode);
  int error = bind_to(fd, address);
  if (error == -EADDRINUSE) {
    if (address->is_abstract) out->stage = SYS_LISTEN_IN_USE;
    else error = replace_stale(fd, address, &out->stage);
  }
  if (error != 0) return error;
  if (!address->is_abstract) {
    out->stage = SYS_LISTEN_MODE;
    error = set_mode(path, mode, &out->file);
  }
  if (error == 0 && listen(fd, backlog) < 0) {
    out->stage = SYS_LISTEN_LISTEN;
    error = -errno;
  }
  if (error != 0 && !address->is_abstract) sys_unlink_local(path, strlen(path), &out->file);
  return error;
}

int sys_listen_local(const char *bytes, size_t length, int mode, int backlog, struct sys_listening *out) {
  struct address address;
  *out = (struct sys_listening){.stage = SYS_LISTEN_SOCKET};
  int error = make_address(bytes, length, &address);
  if (error != 0) return error;
  int fd = make_local_socket(SOCK_STREAM);
  if (fd < 0) return fd;
  error = begin_listening(fd, &address, mode, backlog, out);
  if (error == 0) return fd;
  sys_close(fd);
  return error;
}

int sys_unlink_local(const char *bytes, size_t length, const struct sys_file_id *file) {
  struct address address;
  struct stat status;
  int error = make_address(bytes, length, &address);
  if (error != 0 || address.is_abstract) return error;
  const char *path = address.name.sun_path;
  if (lstat(path, &status) < 0) return errno == ENOENT ? 0 : -errno;
  if (!is_file(&status, file)) return 0;
  return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* --- Connections --- */

int sys_connect_local(const char *bytes, size_t length, int buffer_size) {
  struct address address;
  int error = make_address(bytes, length, &address);
  if (error != 0) return error;
  int fd = make_local_socket(SOCK_STREAM);
  if (fd < 0) return fd;
  error = connect_to(fd, &address);
  if (error == 0) error = sys_set_buffers(fd, buffer_size);
  if (error == 0) return fd;
  sys_close(fd);
  return error;
}

int sys_accept_local(int listener, int buffer_size, struct sys_peer *peer) {
  int fd = accept_connection(listener);
  if (fd < 0) return fd;
  int error = peer_of(fd, peer);
  if (error == 0) error = sys_set_buffers(fd, buffer_size);
  if (error == 0) return fd;
  sys_close(fd);
  return -ECONNABORTED; /* macOS does not tell who the peer was once it has closed */
}
