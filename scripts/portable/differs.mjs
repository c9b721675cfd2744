/** Tests that do not hold for the portable code, by a part of their names, and why. docs/platforms.md says what that means for users. */
export const DIFFERS = {
  'gives the pipe the capacity that was asked for': 'no portable call sets the capacity of a pipe',
  'says which call failed when the system refuses': 'it asks for a pipe that is too large',
  'is no busy loop': 'it needs a small pipe',
  'a flood leaves the loop to others': 'it needs a large pipe',
  'of a pipe that is read does not become non-blocking for them': 'pipes are read and written with O_NONBLOCK',
  'of a FIFO does not become non-blocking for them': 'pipes are read and written with O_NONBLOCK',
  'ignores SIGPIPE, and lets children have it':
    "posix_spawn of glibc ignores that library's own two signals in the child",
  'has default dispositions and an empty signal mask':
    "posix_spawn of glibc ignores that library's own two signals in the child",
  'gets its death signal': 'PR_SET_PDEATHSIG',
  'a worker thread leaves, however it ends': 'PR_SET_PDEATHSIG',
  'calls that signals interrupt go on, and lose nothing': 'it makes calls that block',
  'has default dispositions and an empty mask':
    "posix_spawn of glibc ignores that library's own two signals in the child",
  'writes 128 KiB to its stdout before anyone reads': 'no portable call sets the capacity of a pipe',
  'starts when the memory of all pipes of the user is used up': 'no portable call sets the capacity of a pipe',
  'and no memory to speak of': 'the portable guard keeps the memory of its fork',
  'that is stopped goes on when its parent ends': 'PR_SET_PDEATHSIG',
  'Ctrl-Z stops a chain and us': 'the portable guard does not hear of Ctrl-Z',
  'wrong arguments crash nothing and leave nothing open or running, by seed 3':
    'it closes descriptor 0, which a pipe that waits for a program gets then',
  'and cannot change its length': 'there are no seals; on macOS, memory keeps its length by itself',
  'cannot make memory shorter that moved': 'there are no seals; on macOS, memory keeps its length by itself',
  'refuses what is no shared memory': 'the stand-in for mac.c takes all files of /dev/shm and the like',
  'a SharedMemory over a descriptor of another kind': 'the stand-in for mac.c takes all files of /dev/shm and the like',
  'fromFd of another program': 'memfd_create and seals',
  'memory that is shared read-only': 'there are no seals',
  'one that says read-only gives what the system says': 'there are no seals',
};
