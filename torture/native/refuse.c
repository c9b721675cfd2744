/* `refuse call errno program words…`: runs a program in which a system call fails always, as a sandbox does it, by seccomp(2). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A call fails if `argument & mask` is `value`. */
struct refusable {
  const char *name;
  uint32_t number;
  int argument;
  uint32_t mask, value;
};

#define ANY(call) {#call, SYS_##call, 0, 0, 0}

static const struct refusable calls[] = {
    ANY(pidfd_open),
    ANY(close_range),
    ANY(preadv2),
    ANY(pwritev2),
    ANY(memfd_create),
    ANY(ftruncate),
    ANY(socket),
    ANY(socketpair),
    ANY(bind),
    ANY(listen),
    ANY(accept4),
    ANY(connect),
    ANY(sendmsg),
    {"add-seals", SYS_fcntl, 1, ~0u, F_ADD_SEALS},
    {"duplicate", SYS_fcntl, 1, ~0u, F_DUPFD_CLOEXEC},
    {"shared-mmap", SYS_mmap, 3, MAP_SHARED | MAP_PRIVATE, MAP_SHARED},
};

static const struct refusable *find(const char *name) {
  for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
    if (strcmp(calls[i].name, name) == 0) return &calls[i];
  fprintf(stderr, "refuse: no call %s\n", name);
  exit(2);
}

int main(int count, char **words) {
  if (count < 4) return 2;
  const struct refusable *call = find(words[1]);
  uint32_t error = (uint32_t)atoi(words[2]);
  /* The lower half of an argument: x86 and ARM in their usual order of bytes. */
  uint32_t argument = (uint32_t)(offsetof(struct seccomp_data, args) + (size_t)call->argument * sizeof(uint64_t));
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call->number, 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, call->mask),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call->value, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error & SECCOMP_RET_DATA)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    perror("refuse");
    return 2;
  }
  execvp(words[3], words + 3);
  perror(words[3]);
  return 2;
}
