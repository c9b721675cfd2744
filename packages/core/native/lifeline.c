/* The part of system.h that ends this process when its parent has ended. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "platform.h"
#include "retry.h"
#include "system.h"

static atomic_bool is_watching;
static atomic_int lifeline_grace;

static void *watch_lifeline(void *argument) {
  wait_for_peer_end((int)(intptr_t)argument);
  bool leads_group = getpgrp() == getpid();
  int grace = atomic_load(&lifeline_grace);
  if (grace > 0) {
    kill(leads_group ? 0 : getpid(), SIGTERM);
    poll_until(NULL, 0, grace);
  }
  if (leads_group) kill(0, SIGKILL);
  _exit(1);
}

int sys_watch_lifeline(int fd, int grace) {
  atomic_store(&lifeline_grace, grace);
  if (atomic_exchange(&is_watching, true)) return 0;
  int own = sys_duplicate(fd);
  int error = own < 0 ? own : sys_start_thread(watch_lifeline, (void *)(intptr_t)own);
  if (error == 0) return 0;
  if (own >= 0) sys_close(own);
  atomic_store(&is_watching, false);
  return error;
}
