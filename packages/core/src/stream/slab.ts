import { allocateLarge, shareMemory } from './large-memory.js';

/** Measured: as fast as 1 MiB, and faster than 64 KiB. */
const SIZE = 256 * 1024;
/** Fewer bytes are copied: otherwise a small chunk that the program keeps would keep a whole slab. */
const COPY_BELOW = 16 * 1024;

/** The memory that reads fill. A part that was handed out is never written again. */
class Slab {
  bytes = Buffer.alloc(0);
  /** The offset of the next read. */
  used = 0;

  get room(): number {
    return this.bytes.length - this.used;
  }

  /** Makes sure that there is room for a read. */
  makeRoom(): void {
    if (this.room >= COPY_BELOW) return;
    this.bytes = allocateLarge(SIZE);
    this.used = 0;
  }

  /** Returns the bytes of the last read as a chunk, which is never written again. */
  take(count: number): Buffer {
    const { bytes, used } = this;
    if (count < COPY_BELOW) {
      const chunk = Buffer.allocUnsafe(count);
      bytes.copy(chunk, 0, used, used + count);
      return chunk;
    }
    if (used === 0) shareMemory(bytes);
    this.used += count;
    return bytes.subarray(used, used + count);
  }
}

/** One slab for all readers of the thread: a reader that waits holds no memory. */
export const slab = new Slab();
