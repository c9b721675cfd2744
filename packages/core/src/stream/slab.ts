import { allocateLarge, shareMemory } from './large-memory.js';

/** Measured: as good as 1 MiB, and better than 64 KiB. */
const SIZE = 256 * 1024;
/** Less than this came: it is copied, so that a small chunk which the program keeps doesn't keep a slab. */
const COPY_BELOW = 16 * 1024;

/** Where reads go whose bytes are the program's to keep. What was handed out of it is never written again. */
class Slab {
  bytes = Buffer.alloc(0);
  /** Where the next read goes to. */
  used = 0;

  get room(): number {
    return this.bytes.length - this.used;
  }

  /** Before a read. */
  makeRoom(): void {
    if (this.room >= COPY_BELOW) return;
    this.bytes = allocateLarge(SIZE);
    this.used = 0;
  }

  /** What was read, as a chunk that nothing else will write to. */
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

/** That of all readers: none of them has one half used while it waits. */
export const slab = new Slab();
