/* `reaper program words…`: runs a program as the init of a container does. It inherits the processes that the program leaves behind. */
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **words) {
  (void)count;
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return 1;
  pid_t pid = fork();
  if (pid < 0) return 1;
  if (pid == 0) {
    execvp(words[1], words + 1);
    _exit(127);
  }
  int how = 0, status;
  for (pid_t ended; (ended = wait(&status)) > 0;)
    if (ended == pid) how = status;
  return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}
