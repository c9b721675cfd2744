/* The meaning of a failed exec for the search along PATH. It is the same on all systems. */
#ifndef AIOPIPE_PATH_SEARCH_H
#define AIOPIPE_PATH_SEARCH_H

#include <errno.h>
#include <stdbool.h>

#include "system.h"

/* The program that runs scripts without `#!`. */
#define SHELL "/bin/sh"

enum search { SEARCH_ON, SEARCH_WITH_SHELL, SEARCH_OVER };

/*
 * Decides as execvp(3) does: a directory of PATH that cannot be searched, or is gone, does not end the search; a file that the system
 * cannot run is a script for the shell. Async-signal-safe.
 */
static inline enum search search_after(int error) {
  switch (error) {
    case EACCES:
    case ENOENT:
    case ENOTDIR:
    case ESTALE:
    case ENODEV:
    case ETIMEDOUT:
    case ENAMETOOLONG:
    case ELOOP:
      return SEARCH_ON;
    case ENOEXEC:
      return SEARCH_WITH_SHELL;
    default:
      return SEARCH_OVER;
  }
}

/* Returns the errno of a search that found nothing. `last` is the errno of the last candidate. */
static inline int search_error(const struct sys_spawn *spawn, bool was_denied, int last) {
  bool is_only = spawn->candidates[0] != NULL && spawn->candidates[1] == NULL;
  if (was_denied) return EACCES;
  return is_only && last != ENOTDIR ? last : ENOENT;
}

/* Returns the number of words of a shell's argv, with its NULL: the shell and the script replace the first word. */
static inline size_t shell_argv_size(const struct sys_spawn *spawn) {
  size_t words = 0;
  while (spawn->argv[words] != NULL) words++;
  return words + 3;
}

static inline char *const *fill_shell_argv(char **shell_argv, const char *shell, char *script, char *const *argv) {
  shell_argv[0] = (char *)shell;
  shell_argv[1] = script;
  size_t i = 1;
  for (; argv[0] != NULL && argv[i] != NULL; i++) shell_argv[i + 1] = argv[i];
  shell_argv[i + 1] = NULL;
  return shell_argv;
}

#endif
