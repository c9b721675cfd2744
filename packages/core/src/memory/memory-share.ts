import { type OwnedFd } from '../fd/owned-fd.js';
import { MemoryHandle, type MovedMemory } from './memory-handle.js';

/**
 * A way to shared memory for another process, made by `SharedMemory.share()`. It stands in a message, and arrives as a `SharedMemory`
 * with the same pages. The memory that it was made of stays here.
 */
export class MemoryShare extends MemoryHandle {
  /** The length of the memory in bytes. */
  readonly byteLength: number;
  /** Whether the receiver can only read the pages. */
  readonly readOnly: boolean;

  private constructor(owned: OwnedFd, { byteLength, readOnly }: MovedMemory) {
    super(owned);
    this.byteLength = byteLength;
    this.readOnly = readOnly;
  }

  /** @internal */
  static make(owned: OwnedFd, facts: MovedMemory): MemoryShare {
    return new MemoryShare(owned, facts);
  }

  /** @internal */
  protected override get facts(): MovedMemory {
    return { byteLength: this.byteLength, readOnly: this.readOnly };
  }

  /** @internal */
  protected override assertMovable(): void {
    // Nothing here uses the pages.
  }

  /** @internal */
  protected override unmap(): void {
    // It has only the descriptor.
  }
}
