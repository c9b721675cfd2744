import { aiopipe, type PipeReader, type PipeOptions, type WriteEnd } from '@aiopipe/core';
import { native, OWN } from '@aiopipe/core/internal';

export { errorOf, randomFrom, isPending, thrownBy, turns, type Failure } from '@aiopipe/testing';

/** A reader, and the raw end that feeds it: bytes are there when `writeSync` has returned. */
export function readerAndTap(options?: PipeOptions): {
  reader: PipeReader;
  tx: WriteEnd;
  feed(data: string | Buffer): void;
} {
  const [rx, tx] = aiopipe(options);
  return {
    reader: rx.open(),
    tx,
    feed: (data) => {
      writeAll(tx.fd, Buffer.from(data as string));
    },
  };
}

/** Writes to a blocking descriptor. Deno's `node:fs` takes only descriptors that Deno has opened itself. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += countOf(native().write(fd, bytes, at, bytes.length - at, OWN));
}

/** Returns the bytes that a blocking descriptor gives until its end. */
export function readAllSync(fd: number): Buffer {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.alloc(65536);
    const count = countOf(native().read(fd, chunk, 0, chunk.length, OWN));
    if (count === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, count));
  }
}

function countOf(result: number): number {
  if (result < 0) throw new Error(`errno ${String(-result)}`);
  return result;
}

/** `bytes` in pieces of random lengths, none of them empty. */
export function randomSplit(bytes: Buffer, random: () => number, longest: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = 1 + Math.floor(random() * longest);
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}
