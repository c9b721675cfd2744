import { readFrom } from '@aiopipe/testing';
import { channel } from '@aiopipe/codec';
import { type ReadEnd } from '@aiopipe/core';

/** A carrier in this process: what is sent comes back as the other side would get it. */
export async function carried<T>(value: T): Promise<T> {
  using pair = channel<T>();
  const [r, w] = pair;
  await w.put(value);
  return await r.get();
}

/** Returns the bytes that a blocking end gives at once; empty at the end of the stream. */
export function text(end: ReadEnd): string {
  const bytes = Buffer.alloc(1000);
  return bytes.toString('utf8', 0, readFrom(end.fd, bytes));
}
