/*
 * Has many threads start guarded programs, wait for their ends and move bytes at the same time, while something kills the guard: for
 * ThreadSanitizer. It sees only the code that it has compiled, so this uses the binding's calls without Node.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exit_watch.h"
#include "guard.h"
#include "system.h"

#define THREADS 4
#define ROUNDS 25

static void must(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "wrong: %s\n", what);
  exit(1);
}

/* Starts a guarded program. Returns its pid. */
static pid_t start(const void *owner, char *const *argv, int *exit_fd, struct guarded **entry) {
  char *const candidates[] = {argv[0], NULL};
  int error = 0;
  enum sys_spawn_stage stage;
  *entry = sys_guard_enter(owner, false, 0, &error);
  must(*entry != NULL, "no entry of the guard");
  struct sys_spawn spawn = {
      .candidates = candidates, .argv = argv, .env = sys_environment(), .group = 0, .guarded = *entry};
  pid_t pid = sys_spawn(&spawn, exit_fd, &stage);
  must(pid > 0, "no start");
  /* ThreadSanitizer makes vfork(2) a fork(2): the child may not have entered itself yet. */
  while (atomic_load(&(*entry)->target) == 0) sys_yield();
  return pid;
}

static void await(int fd) {
  struct pollfd entry = {.fd = fd, .events = POLLIN};
  while (poll(&entry, 1, -1) <= 0) continue;
  sys_close(fd);
}

static void *work(void *owner) {
  char *brief[] = {"/bin/true", NULL}, *endless[] = {"/bin/sleep", "1000", NULL};
  for (int round = 0; round < ROUNDS; round++) {
    struct guarded *entry;
    int exit_fd, status, fds[2];
    struct rusage usage;
    pid_t pid = start(owner, round % 5 == 0 ? endless : brief, &exit_fd, &entry);
    if (round % 5 == 0) sys_kill(pid, SIGKILL);
    await(exit_fd);
    must(sys_reap(pid, &status, &usage) == 1, "not reaped");
    sys_guard_leave(entry);

    must(sys_pipe(fds, 0) == 0, "no pipe");
    char bytes[100] = {0};
    struct iovec part = {bytes, sizeof(bytes)};
    must(sys_write(fds[1], &part, 1, SYS_SHARED) == 100, "no write");
    must(sys_read(fds[0], bytes, sizeof(bytes), SYS_SHARED) == 100, "no read");
    for (int i = 0; i < 2; i++) sys_close(fds[i]);
    sys_process_mark(round);
  }
  /* As a worker thread that ends before its program. */
  struct guarded *entry;
  int exit_fd;
  pid_t left = start(owner, endless, &exit_fd, &entry);
  sys_guard_end_owned(owner);
  await(exit_fd);
  sys_reap_later(left);
  return NULL;
}

int main(void) {
  int lifeline[2];
  char owners[THREADS];
  pthread_t threads[THREADS];
  sys_ignore_broken_pipe_signal();
  must(sys_socketpair(lifeline, 0) == 0, "no socketpair");
  for (int grace = 0; grace < 2; grace++) must(sys_watch_lifeline(lifeline[0], grace) == 0, "no lifeline");
  for (int i = 0; i < THREADS; i++) must(pthread_create(&threads[i], NULL, work, &owners[i]) == 0, "no thread");
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  puts("done");
  return 0;
}
