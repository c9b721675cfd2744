/** The messages of a row's channels, and their direction. */
export interface Exchange {
  /** Out of the measured process, into it, or there and back, one message at a time. */
  readonly way: 'out' | 'in' | 'there and back';
  /** A small object of mixed fields; an object with a text of `size` characters; `size` bytes as they are. */
  readonly shape: 'tiny' | 'text' | 'bytes';
  readonly size: number;
  /** How many channels take their share of the work at the same time, all to one partner if possible. */
  readonly channels: number;
  /** Whether each of our puts waits until the kernel has it; otherwise those of a turn go out together. */
  readonly awaited?: boolean;
  /** Microseconds for which our side looks for an answer before it sleeps. */
  readonly spin?: number;
}

/** Several, so that no side's caches see the very same one again and again; as many as fit into this. */
const MOST_MESSAGES = 64;
const MOST_BYTES = 32 * 1024 * 1024;

export function makeMessages({ shape, size }: Exchange): readonly unknown[] {
  const amount = Math.max(2, Math.min(MOST_MESSAGES, Math.floor(MOST_BYTES / Math.max(size, 1))));
  return Array.from({ length: amount }, (_, id) => {
    if (shape === 'tiny') return { id, name: `job-${String(id)}`, ok: id % 2 === 0, vals: [id, id + 1, id + 2] };
    const bytes = makeBytes(size, id);
    return shape === 'text' ? { id, body: bytes.toString('latin1') } : bytes;
  });
}

/** In memory of its own: postMessage() copies all that a Buffer lies in, and a small one may lie in Node's pool. */
function makeBytes(size: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(size);
  // Letters and digits in no short order, and nothing that JSON would have to escape.
  for (let i = 0, state = seed + 1; i < size; i++) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    bytes[i] = 0x30 + ((state >> 16) % 10) + ((state >> 20) & 1) * 0x31;
  }
  return bytes;
}

/** Makes the message before the others, with their number, or the answer after them, which confirms that all have come. */
export function makeCount({ shape }: Exchange, count: number): unknown {
  if (shape !== 'bytes') return count;
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(count);
  return bytes;
}

export function readCount(message: unknown): number {
  if (typeof message === 'number') return message;
  const { buffer, byteOffset } = message as Uint8Array;
  return new DataView(buffer, byteOffset).getFloat64(0, true);
}
