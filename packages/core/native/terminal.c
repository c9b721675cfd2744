/* The part of system.h for pseudo-terminals. */
#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "platform.h"
#include "system.h"

/* macOS takes the size only through an end that is open. So the caller has opened the program's end before. */
int sys_set_terminal_size(int master, int columns, int rows) {
  struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
  return ioctl(master, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

int sys_is_hung_up(int fd) {
  struct pollfd entry = {.fd = fd}; /* POLLHUP needs no mention */
  return poll(&entry, 1, 0) > 0 && (entry.revents & POLLHUP) != 0;
}

/* Makes the line editor of the system erase a whole character of UTF-8, as terminals do. */
static int edit_utf8(int fd) {
  struct termios settings;
  if (tcgetattr(fd, &settings) < 0) return -errno;
  settings.c_iflag |= IUTF8;
  return tcsetattr(fd, TCSANOW, &settings) < 0 ? -errno : 0;
}

int sys_terminal(int fds[2], int columns, int rows) {
  int error = open_terminal(fds);
  if (error != 0) return error;
  error = sys_set_terminal_size(fds[0], columns, rows);
  if (error == 0) error = edit_utf8(fds[1]);
  for (int i = 0; i < 2 && error != 0; i++) sys_close(fds[i]);
  return error;
}
