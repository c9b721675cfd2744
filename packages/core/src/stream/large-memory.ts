/** Bytes of the block that the allocator is shown. It keeps twice as much from then on, if that was ever in use. */
const LESSON = 24 * 1024 * 1024;

let allocated = 0;

/**
 * Memory for large reads, with anything in it. glibc gives large blocks back to the system when they are freed, and what
 * is free at the end of its heap: each page of the next one is a fault then, which can cost as much as what is read
 * into it. But it takes the first block of a size that it sees freed for a sign that more of them come (mallopt(3),
 * M_MMAP_THRESHOLD). So whoever reads much shows it one, which nobody ever touches, and which costs nothing therefore.
 */
export function allocateLarge(length: number): Buffer<ArrayBuffer> {
  if (++allocated === 2) Buffer.allocUnsafeSlow(LESSON);
  return Buffer.allocUnsafeSlow(length);
}

/**
 * Before the first part of memory is given away while the rest is somebody else's: whoever wants to transfer that part to
 * another thread sends a copy then, or hears a DataCloneError (Node 21 and later), and takes nothing from the others.
 * Node's own small Buffers behave alike.
 */
export function shareMemory(memory: Buffer): void {
  // For this Node loads six modules: not before somebody reads much.
  process.getBuiltinModule('node:worker_threads').markAsUntransferable(memory.buffer);
}
