/* The part of system.h for processes and the threads of this one. */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "retry.h"
#include "system.h"

int sys_kill(pid_t pid, int signal) { return kill(pid, signal) < 0 ? -errno : 0; }

int sys_reap(pid_t pid, int *status, struct rusage *usage) {
  pid_t result;
  RETRY(result, wait4(pid, status, WNOHANG, usage));
  if (result < 0) return -errno;
  return result == pid;
}

int sys_reap_ended(pid_t pid) {
  int status;
  struct rusage usage;
  return sys_reap(pid, &status, &usage);
}

void sys_reap_waiting(pid_t pid) {
  int status;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
}

static void *reap(void *argument) {
  sys_reap_waiting((pid_t)(intptr_t)argument);
  return NULL;
}

void sys_reap_later(pid_t pid) { sys_start_thread(reap, (void *)(intptr_t)pid); }

int sys_start_thread(void *(*run)(void *), void *argument) {
  /* The runtime unloads this library with the last of its own threads that uses it. This thread may live longer. */
  Dl_info us;
  if (dladdr((void *)(intptr_t)sys_start_thread, &us) == 0 || dlopen(us.dli_fname, RTLD_NOW | RTLD_NODELETE) == NULL)
    return -ENOMEM;

  sigset_t all, before;
  sigfillset(&all);
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN > 65536 ? PTHREAD_STACK_MIN : 65536);
  /* No signal handler of the runtime may run in it. */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&thread, &attributes, run, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return -error;
}

static atomic_int process_mark;

int sys_process_mark(int mark) {
  if (mark >= 0) atomic_store(&process_mark, mark);
  return atomic_load(&process_mark);
}
