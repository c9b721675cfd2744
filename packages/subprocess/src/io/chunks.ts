import { Readable } from 'node:stream';
import { show } from '../program/command.js';

/** What goes through a chain piece by piece. A string goes as UTF-8. */
export type InputChunk = string | ArrayBufferView;

/** What yields chunks one after the other. */
export type Chunks = Iterator<InputChunk, unknown> | AsyncIterator<InputChunk, unknown>;

export function isChunk(value: unknown): value is InputChunk {
  return typeof value === 'string' || ArrayBuffer.isView(value);
}

export function isIterable(value: unknown): value is Iterable<InputChunk> | AsyncIterable<InputChunk> {
  if (typeof value !== 'object' || value === null) return false;
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = value as Partial<
    AsyncIterable<unknown> & Iterable<unknown>
  >;
  return typeof later === 'function' || typeof now === 'function';
}

/** A stream is told by `return` that no more is wanted also while it is waited for: its own iterator would wait on. */
export function iterate(source: Iterable<InputChunk> | AsyncIterable<InputChunk>): Chunks {
  if (source instanceof ReadableStream) {
    const reader = (source as ReadableStream<InputChunk>).getReader();
    return { next: () => reader.read() as Promise<IteratorResult<InputChunk>>, return: () => left(reader.cancel()) };
  }
  if (!(Symbol.asyncIterator in source)) return source[Symbol.iterator]();
  const chunks = source[Symbol.asyncIterator]();
  if (!(source instanceof Readable)) return chunks;
  return {
    next: () => chunks.next(),
    return: () => {
      source.destroy();
      return left();
    },
  };
}

async function left(cancelled?: Promise<void>): Promise<IteratorReturnResult<undefined>> {
  await cancelled;
  return { done: true, value: undefined };
}

/** @param what - who yielded it, in the words of the TypeError for what is no chunk */
export function toBytes(chunk: unknown, what: string): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk);
  if (Buffer.isBuffer(chunk)) return chunk;
  if (ArrayBuffer.isView(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new TypeError(`${what}: expected bytes or strings from the iterable, not ${show(chunk)}`);
}
