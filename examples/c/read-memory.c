/* Reads shared memory that a Node.js program gives to it: the number of the descriptor is the argument. Prints the sum of the bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

int main(int count, char **words) {
  int fd = count > 1 ? atoi(words[1]) : 3;
  struct stat status;
  if (fstat(fd, &status) != 0) return perror("fstat"), 1;
  size_t length = (size_t)status.st_size;
  const unsigned char *memory = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return perror("mmap"), 1;
  unsigned long sum = 0;
  for (size_t i = 0; i < length; i++) sum += memory[i];
  printf("there: %zu bytes, their sum is %lu\n", length, sum);
  return 0;
}
