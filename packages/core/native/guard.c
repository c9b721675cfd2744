/*
 * The part of system.h that ends our programs if this process ends first.
 *
 * The guard is a fork of this process that has released its memory, its descriptors and its environment. Both share only a table of
 * targets, so no message is needed: a child enters itself there before it becomes the program. A thread of this process waits for
 * the guard, and starts another one if something kills it.
 */
#include "guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "guard_process.h"
#include "platform.h"

/* More than the processes that a system allows one user. Memory costs nothing until it is touched. */
#define MOST_ENTRIES 65536
/* Milliseconds between two checks whether a program has ended after SIGTERM. */
#define PAUSE 20
/* Milliseconds. If several guards in a row live shorter, the system ends them, and another one would not help. */
#define SHORT_LIFE 100
#define MOST_SHORT_LIVES 10

struct table {
  atomic_int used; /* no entry from here on was ever in use */
  struct guarded entries[MOST_ENTRIES];
};

static struct table *table;
static int first_free; /* no entry before it is free */
static int taken;
static bool is_kept; /* keep_guard() runs */
static int start_result; /* 1: the guard runs; negative: an errno */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_started = PTHREAD_COND_INITIALIZER;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void pause_for(int milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  nanosleep(&time, NULL);
}

/* --- Ending entries. The guard ends all of them; this process ends those of a thread that has ended. --- */

static bool is_meant(const struct guarded *entry, const void *owner) {
  const void *own = atomic_load(&entry->owner);
  return own != NULL && (owner == NULL || own == owner) && atomic_load(&entry->target) != 0;
}

/* `owner` NULL: all. */
static void end_entries(const void *owner) {
  for (int i = 0; i < table->used; i++) {
    struct guarded *entry = &table->entries[i];
    if (!is_meant(entry, owner)) continue;
    int target = atomic_load(&entry->target);
    if (entry->terminate) kill(target, SIGTERM);
    /* A stopped process handles SIGTERM only after SIGCONT. */
    if (entry->kill_after != 0) kill(target, SIGCONT);
  }
  int64_t start = now();
  for (bool is_over = false; !is_over;) {
    is_over = true;
    int64_t passed = now() - start;
    for (int i = 0; i < table->used; i++) {
      struct guarded *entry = &table->entries[i];
      if (!is_meant(entry, owner)) continue;
      int target = atomic_load(&entry->target);
      if (entry->kill_after >= 0 && passed < entry->kill_after && kill(target, 0) == 0) {
        is_over = false;
        continue;
      }
      if (entry->kill_after >= 0) kill(target, SIGKILL);
      /* From now on the number may belong to another process. */
      atomic_store(&entry->target, 0);
    }
    if (!is_over) pause_for(PAUSE);
  }
}

void end_all_entries(void) { end_entries(NULL); }

void signal_entries(int signal) {
  for (int i = 0; i < table->used; i++)
    if (is_meant(&table->entries[i], NULL)) kill(atomic_load(&table->entries[i].target), signal);
}

/* --- Our process --- */

static void *keep_guard(void *unused) {
  (void)unused;
  pid_t parent = getpid();
  name_guard();
  for (int short_lives = 0;;) {
    pid_t guard = fork_plainly();
    if (guard == 0) run_guard(parent);
    pthread_mutex_lock(&lock);
    start_result = guard < 0 ? guard : 1;
    pthread_cond_broadcast(&has_started);
    if (guard < 0) break;
    pthread_mutex_unlock(&lock);

    int64_t start = now();
    sys_reap_waiting(guard);
    short_lives = now() - start < SHORT_LIFE ? short_lives + 1 : 0;
    pthread_mutex_lock(&lock);
    /* With nothing to guard, the next start will need one. */
    if (taken == 0 || short_lives > MOST_SHORT_LIVES) break;
    pthread_mutex_unlock(&lock);
  }
  is_kept = false;
  pthread_mutex_unlock(&lock);
  return NULL;
}

static int ensure_guard(void) {
  if (table == NULL) {
    void *memory = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);
    if (memory == MAP_FAILED) return -errno;
    table = memory;
  }
  if (is_kept) return 0;
  start_result = 0;
  is_kept = true;
  int error = sys_start_thread(keep_guard, NULL);
  if (error != 0) {
    is_kept = false;
    return error;
  }
  while (start_result == 0) pthread_cond_wait(&has_started, &lock);
  return start_result < 0 ? start_result : 0;
}

struct guarded *sys_guard_enter(const void *owner, bool terminate, int kill_after, int *error) {
  struct guarded *entry = NULL;
  pthread_mutex_lock(&lock);
  *error = ensure_guard();
  /* If a filter of system calls forbids the guard, programs run without one. */
  if (*error == -EPERM || *error == -ENOSYS) {
    *error = 0;
  } else if (*error == 0) {
    while (first_free < table->used && table->entries[first_free].owner != NULL) first_free++;
    if (first_free < MOST_ENTRIES) {
      entry = &table->entries[first_free];
      entry->terminate = terminate;
      entry->kill_after = kill_after;
      atomic_store(&entry->owner, owner);
      if (first_free == table->used) table->used++;
      first_free++;
      taken++;
    } else {
      *error = -EAGAIN;
    }
  }
  pthread_mutex_unlock(&lock);
  return entry;
}

static void leave(struct guarded *entry) {
  atomic_store(&entry->target, 0);
  atomic_store(&entry->owner, NULL);
  if (entry - table->entries < first_free) first_free = (int)(entry - table->entries);
  taken--;
}

void sys_guard_leave(struct guarded *entry) {
  pthread_mutex_lock(&lock);
  leave(entry);
  pthread_mutex_unlock(&lock);
}

static void *end_left(void *owner) {
  end_entries(owner);
  pthread_mutex_lock(&lock);
  for (int i = 0; i < table->used; i++)
    if (table->entries[i].owner == owner) leave(&table->entries[i]);
  pthread_mutex_unlock(&lock);
  free(owner);
  return NULL;
}

void sys_guard_end_owned(const void *owner) {
  /* A later thread may get the address of the one that has ended. So the entries get an owner with an address of its own. */
  void *left = malloc(1);
  int count = 0;
  pthread_mutex_lock(&lock);
  for (int i = 0; left != NULL && table != NULL && i < table->used; i++) {
    if (table->entries[i].owner != owner) continue;
    atomic_store(&table->entries[i].owner, left);
    count++;
  }
  pthread_mutex_unlock(&lock);
  if (count == 0 || sys_start_thread(end_left, left) != 0) free(left);
}
