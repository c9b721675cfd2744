/** The bytes of one block that is allocated and freed, so that glibc keeps up to twice as much from then on. */
const LESSON = 24 * 1024 * 1024;

let allocated = 0;

/**
 * Allocates memory for large reads; it is not zeroed. glibc gives large blocks back to the system when they are freed.
 * Each page of the next block is a page fault then, which can cost as much as the read itself. After glibc has seen one
 * block of a size freed, it keeps blocks of that size (mallopt(3), M_MMAP_THRESHOLD). So the second large read allocates
 * one such block. It costs nothing, because its pages are never touched.
 */
export function allocateLarge(length: number): Buffer<ArrayBuffer> {
  if (++allocated === 2) Buffer.allocUnsafeSlow(LESSON);
  return Buffer.allocUnsafeSlow(length);
}

/**
 * Marks memory as not transferable, before one part of it is given away and another owner has the rest. A program that
 * transfers its part to a thread sends a copy then, or gets a DataCloneError (Node.js 21+). Node's own small Buffers behave
 * in the same way.
 */
export function shareMemory(memory: Buffer): void {
  // Node.js loads six modules for this: only programs with large reads must pay for them.
  process.getBuiltinModule('node:worker_threads').markAsUntransferable(memory.buffer);
}
