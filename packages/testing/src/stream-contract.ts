import assert from 'node:assert/strict';
import { fdsSince, openFds } from './processes.js';
import { until } from './wait.js';

/** How long to wait; see the options of the same names at every call of ours that waits. */
export interface Wait {
  readonly signal?: AbortSignal;
  readonly timeout?: number;
}

/** The side that bytes go into. `write` resolves when the kernel has all of them. */
export interface ByteSink extends AsyncDisposable {
  write(bytes: Uint8Array, options?: Wait): Promise<unknown>;
  close(): Promise<void>;
}

/** The side that they come out of. `read` gives at least one byte, at most `size`, and none at the end. */
export interface ByteSource extends AsyncDisposable {
  read(size: number, options?: Wait): Promise<Uint8Array>;
  close(): Promise<void> | void;
}

export interface BytePipe {
  readonly sink: ByteSink;
  readonly source: ByteSource;
}

/** A pipe whose sink cannot write one more byte until the source has read `clogged` bytes, or some of them. */
export interface CloggedBytePipe extends BytePipe {
  readonly clogged: number;
}

/** The functions by which an implementation of byte streams gives its pipes to the contract. */
export interface ByteStreamMakers {
  readonly makePipe: () => BytePipe | Promise<BytePipe>;
  readonly makeCloggedPipe: () => CloggedBytePipe | Promise<CloggedBytePipe>;
}

/** One thing that holds for every byte stream, as a row for `test.each(byteStreamContract)('%s', …)`. */
export type ByteStreamCheck = readonly [behaviour: string, check: (makers: ByteStreamMakers) => Promise<void>];

/** The codes of a failure on the other side: a socket may report it as a reset. */
const BROKEN = ['EPIPE', 'ECONNRESET'];
const CLOSED = ['ERR_AIOPIPE_CLOSED'];
const BUSY = ['ERR_AIOPIPE_BUSY'];
const TIMEOUT = ['ERR_AIOPIPE_TIMEOUT'];
const ABORTED = ['ABORT_ERR'];

/** Reads until the end of the stream. */
export async function readToEnd(source: ByteSource, size = 65536): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = await source.read(size);
    if (chunk.length === 0) return Buffer.concat(chunks);
    chunks.push(chunk);
  }
}

/** Reads that many bytes, in pieces of any size. */
export async function readCount(source: ByteSource, count: number): Promise<Buffer> {
  const whole = Buffer.alloc(count);
  for (let at = 0; at < count;) {
    const chunk = await source.read(count - at);
    assert.ok(chunk.length > 0, `the stream ended after ${String(at)} of ${String(count)} bytes`);
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Bytes that differ from place to place: an order that is wrong shows. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8)) & 255;
  return bytes;
}

async function rejects(promise: Promise<unknown> | void, codes: readonly string[], what: string): Promise<void> {
  let code: string | undefined;
  try {
    await promise;
  } catch (error) {
    code = (error as { code?: string }).code ?? String(error);
  }
  assert.ok(
    code !== undefined && codes.includes(code),
    `${what}: expected ${codes.join(' or ')}, got ${code ?? 'no error'}`,
  );
}

/** A close that throws at once is as good as one that rejects. */
const closing = async (stream: ByteSink | ByteSource) => stream.close();

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = () => {
    settled = true;
  };
  promise.then(note, note);
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
  return !settled;
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

/** Calls back with fresh streams, and disposes of them also after an error. No descriptor may be open then. */
function withPipe(use: (pipe: BytePipe) => Promise<void>): ByteStreamCheck[1] {
  return ({ makePipe }) => using(makePipe, use);
}

function withCloggedPipe(use: (pipe: CloggedBytePipe) => Promise<void>): ByteStreamCheck[1] {
  return ({ makeCloggedPipe }) => using(makeCloggedPipe, use);
}

async function using<T extends BytePipe>(make: () => T | Promise<T>, use: (pipe: T) => Promise<void>): Promise<void> {
  const before = openFds();
  const pipe = await make();
  try {
    await use(pipe);
  } finally {
    // First the source: a sink whose bytes are not read would wait for its closeTimeout.
    await pipe.source[Symbol.asyncDispose]();
    await Promise.resolve(pipe.sink[Symbol.asyncDispose]()).catch(() => undefined);
  }
  await until('what the check opened is closed', () => fdsSince(before).length === 0, 3000);
}

/** The behaviour of every stream of bytes: a pipe, a socket or a FIFO. */
export const byteStreamContract: readonly ByteStreamCheck[] = [
  [
    'read gives the bytes in order, at least one and at most as many as asked for',
    withPipe(async ({ sink, source }) => {
      await sink.write(Buffer.from('abcdef'));
      assert.equal(text(await readCount(source, 1)), 'a');
      const some = await source.read(3);
      assert.ok(some.length >= 1 && some.length <= 3);
      const rest = await readCount(source, 5 - some.length);
      assert.equal(text(some) + text(rest), 'bcdef');
    }),
  ],
  [
    'read waits for the first byte',
    withPipe(async ({ sink, source }) => {
      const read = source.read(10);
      assert.ok(await isPending(read));
      await sink.write(Buffer.from('x'));
      assert.equal(text(await read), 'x');
    }),
  ],
  [
    'a large write and a reader of small pieces agree',
    withPipe(async ({ sink, source }) => {
      const bytes = pattern(1_000_003);
      const written = sink.write(bytes).then(() => sink.close());
      assert.ok((await readToEnd(source, 777)).equals(bytes));
      await written;
    }),
  ],
  [
    'writes of many sizes arrive in their order',
    withPipe(async ({ sink, source }) => {
      const bytes = pattern(500_000);
      const write = async () => {
        for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 3) % 70_001) {
          await sink.write(bytes.subarray(at, at + size));
        }
        await sink.close();
      };
      const [received] = await Promise.all([readToEnd(source), write()]);
      assert.ok(received.equals(bytes));
    }),
  ],
  [
    'a write of nothing is nothing, and not the end',
    withPipe(async ({ sink, source }) => {
      await sink.write(new Uint8Array(0));
      const read = source.read(1);
      assert.ok(await isPending(read));
      await sink.write(new Uint8Array([7]));
      assert.deepEqual([...(await read)], [7]);
    }),
  ],
  [
    'a part of a larger array is written alone',
    withPipe(async ({ sink, source }) => {
      await sink.write(new Uint8Array(Buffer.from('abcdef')).subarray(2, 4));
      await sink.close();
      assert.equal(text(await readToEnd(source)), 'cd');
    }),
  ],
  [
    'what was read is not written to by later reads',
    withPipe(async ({ sink, source }) => {
      await sink.write(Buffer.alloc(1000, 'a'));
      const first = await readCount(source, 500);
      await sink.write(Buffer.alloc(1000, 'b'));
      await readCount(source, 1500);
      assert.equal(text(first), 'a'.repeat(500));
    }),
  ],
  [
    'the end comes after all bytes, and again at each later read',
    withPipe(async ({ sink, source }) => {
      await sink.write(Buffer.from('last'));
      await sink.close();
      assert.equal(text(await readToEnd(source)), 'last');
      assert.equal((await source.read(10)).length, 0);
      assert.equal((await source.read(1)).length, 0);
    }),
  ],
  [
    'a read that waits hears of the end',
    withPipe(async ({ sink, source }) => {
      const read = source.read(10);
      assert.ok(await isPending(read));
      await sink.close();
      assert.equal((await read).length, 0);
    }),
  ],
  [
    'disposal of the sink is the end, with nothing lost',
    withPipe(async ({ sink, source }) => {
      await sink.write(Buffer.from('all of it'));
      await sink[Symbol.asyncDispose]();
      assert.equal(text(await readToEnd(source)), 'all of it');
    }),
  ],
  [
    'a source that is closed breaks the writes',
    withPipe(async ({ sink, source }) => {
      await source.close();
      const writeOn = async () => {
        // A connection hears of it only once a write of its has been refused.
        for (;;) await sink.write(pattern(100_000));
      };
      await rejects(writeOn(), BROKEN, 'write');
      await rejects(sink.write(Buffer.from('x')), BROKEN, 'another write');
    }),
  ],
  [
    'calls on what is closed are refused, and disposal is not',
    withPipe(async ({ sink, source }) => {
      await sink.close();
      await source.close();
      await rejects(sink.write(Buffer.from('x')), CLOSED, 'write');
      await rejects(source.read(1), CLOSED, 'read');
      await rejects(closing(sink), CLOSED, 'close of the sink');
      await rejects(closing(source), CLOSED, 'close of the source');
      await sink[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
    }),
  ],
  [
    'a second read while one waits is refused, and takes nothing',
    withPipe(async ({ sink, source }) => {
      const read = source.read(10);
      await rejects(source.read(10), BUSY, 'a second read');
      await sink.write(Buffer.from('for the first'.slice(0, 10)));
      assert.ok((await read).length > 0);
    }),
  ],
  [
    'close while a read waits is refused, and the read goes on',
    withPipe(async ({ sink, source }) => {
      const read = source.read(10);
      await rejects(closing(source), BUSY, 'close');
      await sink.write(Buffer.from('x'));
      assert.equal(text(await read), 'x');
    }),
  ],
  [
    'disposal while a read waits ends it',
    withPipe(async ({ source }) => {
      const read = rejects(source.read(10), CLOSED, 'the read that waited');
      await source[Symbol.asyncDispose]();
      await read;
    }),
  ],
  [
    'a read that timed out or was aborted has lost nothing',
    withPipe(async ({ sink, source }) => {
      await rejects(source.read(10, { timeout: 1 }), TIMEOUT, 'a read with a timeout');
      const controller = new AbortController();
      const aborted = rejects(source.read(10, { signal: controller.signal }), ABORTED, 'a read that is aborted');
      controller.abort();
      await aborted;
      await sink.write(Buffer.from('here'));
      assert.equal(text(await readCount(source, 4)), 'here');
    }),
  ],
  [
    'a signal that is aborted already takes and writes nothing',
    withPipe(async ({ sink, source }) => {
      const signal = AbortSignal.abort();
      await sink.write(Buffer.from('kept'));
      await rejects(source.read(10, { signal }), ABORTED, 'read');
      await rejects(sink.write(Buffer.from('never'), { signal }), ABORTED, 'write');
      await sink.close();
      assert.equal(text(await readToEnd(source)), 'kept');
    }),
  ],
  [
    'a signal and a timeout that were not needed leave nothing behind',
    withPipe(async ({ sink, source }) => {
      const controller = new AbortController();
      const options = { signal: controller.signal, timeout: 60_000 };
      const read = source.read(10, options);
      await sink.write(Buffer.from('one'), options);
      assert.ok((await read).length > 0);
      controller.abort();
      await sink.write(Buffer.from('x'));
      assert.ok((await source.read(10)).length > 0);
    }),
  ],
  [
    'a clogged write waits for the reader, then all arrives in order',
    withCloggedPipe(async ({ sink, source, clogged }) => {
      const bytes = pattern(100_000);
      const written = sink.write(bytes);
      assert.ok(await isPending(written));
      await readCount(source, clogged);
      const [received] = await Promise.all([readCount(source, bytes.length), written]);
      assert.ok(received.equals(bytes));
    }),
  ],
  [
    'a clogged write ends at its timeout',
    withCloggedPipe(async ({ sink }) => {
      await rejects(sink.write(Buffer.from('x'), { timeout: 1 }), TIMEOUT, 'write');
    }),
  ],
  [
    'a clogged write ends when it is aborted',
    withCloggedPipe(async ({ sink }) => {
      const controller = new AbortController();
      const written = rejects(sink.write(Buffer.from('x'), { signal: controller.signal }), ABORTED, 'write');
      controller.abort();
      await written;
    }),
  ],
  [
    'a clogged write hears that the source was closed',
    withCloggedPipe(async ({ sink, source }) => {
      const written = rejects(sink.write(pattern(100_000)), BROKEN, 'the write that waited');
      await source.close();
      await written;
    }),
  ],
  [
    'what was written before is read to the end though the sink was closed long ago',
    withCloggedPipe(async ({ sink, source, clogged }) => {
      await sink.close();
      assert.equal((await readToEnd(source)).length, clogged);
    }),
  ],
];
