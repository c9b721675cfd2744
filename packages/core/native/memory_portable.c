/* The part of system.h for shared memory: shm_open(3). On macOS a segment gets its length once, and keeps it. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lingering.h"
#include "portable.h"
#include "system.h"

/* Opens a segment under a name that no other one has, and removes the name. */
static int open_nameless(void) {
  static atomic_uint count;
  for (int tries = 0; tries < 100; tries++) {
    struct timespec now;
    char name[32]; /* macOS takes 31 characters */
    clock_gettime(CLOCK_REALTIME, &now);
    unsigned unique = (unsigned)now.tv_nsec ^ atomic_fetch_add(&count, 1) << 20;
    (void)snprintf(name, sizeof(name), "/aiopipe-%x-%x", (unsigned)getpid(), unique);
    int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    if (fd < 0 && errno == EEXIST) continue;
    if (fd < 0) return -errno;
    shm_unlink(name);
    return fd;
  }
  return -EEXIST;
}

int sys_memory_make(int64_t length) {
  int fd = open_nameless();
  if (fd < 0) return fd;
  int error = ftruncate(fd, length) < 0 ? -errno : sys_set_close_on_exec(fd);
  if (error == 0) return fd;
  sys_close(fd);
  return error;
}

/* sys_memory_inspect() refuses those that can only be read: macOS maps segments MAP_SHARED alone, and a write would end the process. */
int sys_memory_is_read_only(int fd) {
  (void)fd;
  return 0;
}

int64_t sys_memory_inspect(int fd, int may_seal) {
  (void)may_seal;
  struct stat status;
  if (fstat(fd, &status) < 0) return -errno;
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  if (!is_shared_memory(&status)) return -ENOTSUP;
  return (flags & O_ACCMODE) == O_RDWR ? status.st_size : -EACCES;
}

int sys_memory_forbid_writes(int fd) {
  (void)fd;
  return -ENOTSUP;
}

int sys_memory_map(int fd, int is_private, struct sys_mapping *mapping) {
  struct stat status;
  if (fstat(fd, &status) < 0) return -errno;
  mapping->device = (uint64_t)status.st_dev;
  mapping->inode = is_private ? 0 : (uint64_t)status.st_ino;
  if (take_lingering(mapping)) return 0;
  void *address = mmap(NULL, mapping->length, PROT_READ | PROT_WRITE, is_private ? MAP_PRIVATE : MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) return -errno;
  keep_from_forks(address, mapping->length);
  mapping->address = address;
  return 0;
}

void sys_memory_unmap(const struct sys_mapping *mapping) { munmap(mapping->address, mapping->length); }
