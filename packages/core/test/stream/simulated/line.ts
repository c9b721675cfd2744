/** A call of the writer, and how it ended. */
export interface Write {
  readonly bytes: Buffer;
  readonly isAbortable: boolean;
  /** Whether the writer was destroyed while the call waited. */
  wasDestroyed: boolean;
  code?: string;
}

const TEXT = Buffer.alloc(65_521);
for (let i = 0; i < TEXT.length; i++) {
  const chance = Math.imul(i + 1, 2654435761) >>> 16;
  TEXT[i] = chance % 40 === 0 ? 10 : chance % 23 === 0 ? 59 : 97 + (chance % 26);
}

/** The bytes of write `n`. */
export function textOf(n: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let done = 0, at = (n * 7919) % TEXT.length; done < size; at = 0) {
    const some = Math.min(size - done, TEXT.length - at);
    TEXT.copy(bytes, done, at, at + some);
    done += some;
  }
  return bytes;
}

/** One direction of a pipe: the model of what it must do. */
export class Line {
  readonly writes: Write[] = [];
  readonly came: Buffer[] = [];
  /** The number of writes before the last drain() or close() that resolved. */
  flushed = 0;
  hasEnded = false;
  /** Whether the reader was closed before the end. */
  isUnread = false;
  /** Whether the writer was destroyed. */
  isCut = false;

  constructor(readonly id: number) {}

  /** Throws unless the bytes read equal the bytes written, and all of them came if none were dropped. */
  judge(): void {
    for (const [n, write] of this.writes.entries())
      this.#check(this.#isRight(write), `write ${String(n)}: ${write.code ?? 'it was never settled'}`);
    const isTaken = (write: Write) => write.code !== 'ERR_AIOPIPE_CLOSED' || write.wasDestroyed;
    const sent = Buffer.concat(this.writes.filter(isTaken).map(({ bytes }) => bytes));
    const came = Buffer.concat(this.came);
    const same = came.equals(sent.subarray(0, came.length));
    this.#check(same && came.length <= sent.length, `other bytes came than were written, of ${String(came.length)}`);
    if (this.isUnread) return;
    this.#check(this.hasEnded, 'its reader never came to the end');
    const flushed = this.writes.slice(0, this.flushed).filter(isTaken);
    const least = this.isCut ? flushed.reduce((sum, { bytes }) => sum + bytes.length, 0) : sent.length;
    this.#check(came.length >= least, `${String(came.length)} of ${String(least)} bytes came`);
  }

  #isRight({ code, isAbortable, wasDestroyed }: Write): boolean {
    switch (code) {
      case 'done':
        return true;
      case 'ABORT_ERR':
      case 'ERR_AIOPIPE_TIMEOUT':
        return isAbortable;
      case 'ERR_AIOPIPE_CLOSED':
        return wasDestroyed || this.hasBeenClosed;
      case 'EPIPE':
        return this.isUnread;
      default:
        return false;
    }
  }

  /** Whether close() was called, or the writer was destroyed. */
  hasBeenClosed = false;

  #check(holds: boolean, what: string): void {
    if (!holds) throw new Error(`line ${String(this.id)}: ${what}`);
  }
}
