/* The part of system.h for shared memory: memfd_create(2), and seals (fcntl(2)). */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lingering.h"
#include "system.h"

/* Older headers lack these. */
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010 /* Linux 5.1 */
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3. sysctl vm.memfd_noexec can demand it */
#endif

#define SIZE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

int sys_memory_make(int64_t length) {
  const char *name = "aiopipe";
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (fd < 0 && errno == EINVAL) fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -errno;
  if (ftruncate(fd, length) == 0 && fcntl(fd, F_ADD_SEALS, SIZE_SEALS) == 0) return fd;
  int error = -errno;
  sys_close(fd);
  return error;
}

int sys_memory_is_read_only(int fd) {
  int flags = fcntl(fd, F_GETFL), seals = fcntl(fd, F_GET_SEALS);
  if (flags < 0 || seals < 0) return -errno;
  return (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0 || (flags & O_ACCMODE) == O_RDONLY;
}

int64_t sys_memory_inspect(int fd, int may_seal) {
  struct stat status;
  struct statfs system;
  int flags = fcntl(fd, F_GETFL), seals = fcntl(fd, F_GET_SEALS);
  if (flags < 0) return -errno;
  /* Huge pages (hugetlbfs) have seals, too. But if their owner gives some back, an access can raise SIGBUS. */
  if (seals < 0 || fstatfs(fd, &system) < 0 || system.f_type != TMPFS_MAGIC) return -ENOTSUP;
  if ((flags & O_ACCMODE) == O_WRONLY) return -EACCES;
  if (!(seals & F_SEAL_SHRINK) && (!may_seal || fcntl(fd, F_ADD_SEALS, SIZE_SEALS) < 0)) return -EPERM;
  /* Not before: without the seal, the length could change afterwards. */
  return fstat(fd, &status) < 0 ? -errno : status.st_size;
}

int sys_memory_forbid_writes(int fd) { return fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) < 0 ? -errno : 0; }

int sys_memory_map(int fd, int is_private, struct sys_mapping *mapping) {
  struct stat status;
  if (fstat(fd, &status) < 0) return -errno;
  mapping->device = (uint64_t)status.st_dev;
  mapping->inode = is_private ? 0 : (uint64_t)status.st_ino;
  if (take_lingering(mapping)) return 0;
  /* What is copied on write needs no memory before that: MAP_NORESERVE. */
  int flags = is_private ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED;
  void *address = mmap(NULL, mapping->length, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (address == MAP_FAILED) return -errno;
  madvise(address, mapping->length, MADV_DONTFORK);
  mapping->address = address;
  return 0;
}

void sys_memory_unmap(const struct sys_mapping *mapping) { munmap(mapping->address, mapping->length); }
