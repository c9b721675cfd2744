/*
 * Bytes between two processes, as plainly as C does it: blocking writes of one size, blocking reads.
 *
 * transfer <pipe|duplex|echo> <capacity> <size>; a line on stdin is a number of writes, the line on stdout then the seconds
 * from the first of them to the consumer's confirmation or, where each write is answered with the same, to the last answer.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* At least this much a read, as a program would that doesn't know how much comes. */
#define LEAST_READ 65536

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = write(fd, bytes, length);
    if (count < 0) fail("write");
    bytes += count;
    length -= (size_t)count;
  }
}

static int read_all(int fd, char *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = read(fd, bytes, length);
    if (count < 0) fail("read");
    if (count == 0) return 0;
    bytes += count;
    length -= (size_t)count;
  }
  return 1;
}

static void make_transport(const char *kind, int capacity, int fds[2]) {
  if (strcmp(kind, "pipe") == 0) {
    if (pipe(fds) < 0) fail("pipe");
    if (capacity > 0 && fcntl(fds[1], F_SETPIPE_SZ, capacity) < 0) fail("F_SETPIPE_SZ");
    return;
  }
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0) fail("socketpair");
  for (int i = 0; capacity > 0 && i < 2; i++) {
    setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &capacity, sizeof(capacity));
    setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &capacity, sizeof(capacity));
  }
}

static void consume(int input, int confirmation, size_t size) {
  size_t room = size > LEAST_READ ? size : LEAST_READ;
  char *buffer = malloc(room);
  uint64_t left;
  while (read_all(input, (char *)&left, sizeof(left))) {
    while (left > 0) {
      ssize_t count = read(input, buffer, left < room ? left : room);
      if (count <= 0) fail("read");
      left -= (uint64_t)count;
    }
    write_all(confirmation, "\1", 1);
  }
  exit(0);
}

static void echo(int fd, size_t size) {
  char *bytes = malloc(size);
  while (read_all(fd, bytes, size)) write_all(fd, bytes, size);
  exit(0);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: transfer <pipe|duplex|echo> <capacity> <size>\n");
    return 2;
  }
  int data[2], confirmation[2];
  size_t size = (size_t)atol(argv[3]);
  int is_echo = strcmp(argv[1], "echo") == 0;
  make_transport(argv[1], atoi(argv[2]), data);
  if (pipe(confirmation) < 0) fail("pipe");

  pid_t consumer = fork();
  if (consumer < 0) fail("fork");
  if (consumer == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(data[1]);
    close(confirmation[0]);
    if (is_echo) echo(data[0], size);
    consume(data[0], confirmation[1], size);
  }
  close(data[0]);
  close(confirmation[1]);

  char *bytes = malloc(size);
  memset(bytes, 'x', size);
  char line[64], answer;
  while (fgets(line, sizeof(line), stdin) != NULL) {
    uint64_t amount = strtoull(line, NULL, 10), total = amount * size;
    double start = now();
    if (!is_echo) write_all(data[1], (char *)&total, sizeof(total));
    for (uint64_t i = 0; i < amount; i++) {
      write_all(data[1], bytes, size);
      if (is_echo && !read_all(data[1], bytes, size)) fail("the consumer ended");
    }
    if (!is_echo && !read_all(confirmation[0], &answer, 1)) fail("the consumer ended");
    printf("%.9f\n", now() - start);
    fflush(stdout);
  }
  return 0;
}
