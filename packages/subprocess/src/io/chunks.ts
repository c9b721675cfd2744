import { Readable } from 'node:stream';
import { lossOfMemory, LOOP_END, show } from '@aiopipe/core/internal';

/**
 * A piece of what goes through a chain. A string goes as UTF-8.
 *
 * @see the example of {@link Input}
 */
export type InputChunk = string | ArrayBufferView;

/** Yields chunks one after the other. */
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

/** Iterates over a source. `return()` reaches a stream also while a `next()` waits; its own iterator would wait on. */
export function iterate(source: Iterable<InputChunk> | AsyncIterable<InputChunk>): Chunks {
  if (source instanceof ReadableStream) {
    const reader = (source as ReadableStream<InputChunk>).getReader();
    return {
      next: () => reader.read() as Promise<IteratorResult<InputChunk>>,
      return: () => reader.cancel().then(() => LOOP_END),
    };
  }
  if (!(Symbol.asyncIterator in source)) return source[Symbol.iterator]();
  const chunks = source[Symbol.asyncIterator]();
  if (!(source instanceof Readable)) return chunks;
  return {
    next: () => chunks.next(),
    return: () => {
      source.destroy();
      return Promise.resolve(LOOP_END);
    },
  };
}

/** Opens a source with its first `next()`: if that throws, the source has failed, and not the call that was given it. */
export function lazily(open: () => Chunks): Chunks {
  let chunks: Chunks | undefined;
  return {
    next: async () => (chunks ??= open()).next(),
    return: async () => (chunks ??= open()).return?.() ?? LOOP_END,
  };
}

/**
 * Returns a chunk as bytes. Throws TypeError if it is none.
 *
 * @param what - names its source in the message
 */
export function toBytes(chunk: unknown, what: string): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk);
  if (!ArrayBuffer.isView(chunk)) {
    throw new TypeError(`${what}: expected bytes or strings from the iterable, not ${show(chunk)}`);
  }
  const loss = lossOfMemory(chunk);
  if (loss !== undefined) throw new TypeError(`${what}: the memory of the bytes was ${loss}`);
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
