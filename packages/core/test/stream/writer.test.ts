import { createHash } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck, readFrom, runFixture, transferAway } from '@aiopipe/testing';
import {
  AiopipeError,
  aioduplex,
  aiopipe,
  BrokenPipeError,
  ClosedError,
  ReadEnd,
  WriteEnd,
  type PipeWriter,
  type Writable,
} from '@aiopipe/core';
import { flushAll } from '@aiopipe/core/internal';
import { errorOf, isPending, thrownBy, turns } from '../helpers.js';

afterAll(leakCheck());

interface Resize {
  resize(length: number): void;
}

async function writtenBy(write: (writer: PipeWriter) => unknown): Promise<Buffer> {
  const [rx, tx] = aiopipe();
  await using reader = rx.open();
  await using writer = tx.open();
  const all = reader.read();
  await write(writer);
  await writer.close();
  return await all;
}

describe('write', () => {
  test('takes strings as UTF-8', async () => {
    expect((await writtenBy((writer) => writer.write('añ€😀\n'))).toString()).toBe('añ€😀\n');
  });

  const floats = Float64Array.of(1.5, -0, NaN);
  const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(7);
  test.each<[string, ArrayBufferView, Buffer]>([
    ['Buffer', Buffer.from('bytes'), Buffer.from('bytes')],
    ['Uint8Array at an offset', new Uint8Array([0, 1, 2, 3]).subarray(1, 3), Buffer.of(1, 2)],
    ['Float64Array', floats, Buffer.from(floats.buffer)],
    ['DataView', new DataView(Uint8Array.of(9, 8, 7).buffer, 1), Buffer.of(8, 7)],
    ['view of shared memory', shared, Buffer.of(7, 7, 7, 7)],
  ])('takes a %s', async (_name, view, bytes) => {
    expect(await writtenBy((writer) => writer.write(view))).toEqual(bytes);
  });

  test.each([null, undefined, 5, {}, [1], Object.create(null), new ArrayBuffer(2), true, Symbol('s')])(
    'refuses %s, and goes on',
    async (data) => {
      const bytes = await writtenBy(async (writer) => {
        expect(await errorOf(writer.write(data as Writable))).toBeInstanceOf(TypeError);
        await writer.write('after');
      });
      expect(bytes.toString()).toBe('after');
    },
  );

  test('refuses what cannot be shown', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const [rx, tx] = aiopipe();
    using _rx = rx;
    await using writer = tx.open();
    for (const data of [proxy, { constructor: { name: Symbol('s') } }]) {
      expect((await errorOf(writer.write(data as never))).message).toMatch(/^data: expected a string/);
    }
  });

  test.each([
    ['Buffer', Buffer.from(new ArrayBuffer(4))],
    ['typed array', new Uint16Array(2)],
    ['DataView', new DataView(new ArrayBuffer(4))],
  ])('refuses a %s whose memory was transferred before, and goes on', async (_name, view) => {
    transferAway(view as Uint8Array);
    const bytes = await writtenBy(async (writer) => {
      expect((await errorOf(writer.write(view))).message).toBe('data: the memory of the bytes was transferred away');
      await writer.write('after');
    });
    expect(bytes.toString()).toBe('after');
  });

  test.each([
    ['Buffer', (memory: ArrayBuffer) => Buffer.from(memory, 4, 4)],
    ['typed array', (memory: ArrayBuffer) => new Uint8Array(memory, 4)],
    ['DataView', (memory: ArrayBuffer) => new DataView(memory, 4, 4)],
  ])('refuses a %s whose memory was made smaller before', async (_name, make) => {
    // The types of Node.js 20 do not know it.
    const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer & Resize;
    const memory = new Resizable(8, { maxByteLength: 8 });
    const view = make(memory);
    memory.resize(2);
    const bytes = await writtenBy(async (writer) => {
      expect((await errorOf(writer.write(view))).message).toBe('data: the memory of the bytes was made smaller');
      await writer.write('after');
    });
    expect(bytes.toString()).toBe('after');
  });

  test('of nothing writes nothing', async () => {
    const bytes = await writtenBy(async (writer) => {
      await writer.write('');
      await writer.write(new Uint8Array());
      expect(writer.unflushed).toBe(0);
    });
    expect(bytes).toHaveLength(0);
  });

  test('keeps the order of small and large ones', async () => {
    const parts = Array.from({ length: 300 }, (_, i) =>
      Buffer.alloc(i % 7 === 0 ? 20_000 + i : i % 3 === 0 ? 16_384 - i : i, i),
    );
    const bytes = await writtenBy((writer) => {
      for (const part of parts) void writer.write(part);
    });
    expect(bytes.equals(Buffer.concat(parts))).toBe(true);
  });

  // A socket says that it is writable only while no more than a quarter of its buffer is taken.
  test('that the pipe has room for resolves without a reader that reads, however much was written before', async () => {
    const [ours, theirs] = aioduplex({ bufferSize: 200 * 1024 });
    const { reader, writer } = ours.open();
    const bytes = Buffer.alloc(64 * 1024);
    await writer.write(bytes);
    await writer.write(bytes);
    for (let i = 0; i < 64; i++) {
      await writer.write(bytes);
      readFrom(theirs.fd, bytes);
    }
    await writer.close();
    reader.close();
    theirs.close();
  });

  test('copies a small piece: the caller may change it at once', async () => {
    const bytes = await writtenBy((writer) => {
      const piece = Buffer.from('good');
      void writer.write(piece);
      piece.write('evil');
    });
    expect(bytes.toString()).toBe('good');
  });

  test('gathers what one turn writes', async () => {
    const [one, other] = aioduplex();
    await using writer = one.open().writer;
    using _one = one;
    using _other = other;
    for (let i = 0; i < 100; i++) void writer.write('0123456789');
    expect(writer.unflushed).toBe(1000);
    await writer.drain();
    expect(writer.unflushed).toBe(0);
    expect(readFrom(other.fd, Buffer.alloc(4000))).toBe(1000);
  });
});

describe('backpressure', () => {
  test('a write over the capacity waits until the reader reads', async () => {
    const [rx, tx] = aiopipe({ capacity: 4096 });
    await using writer = tx.open();
    const written = writer.write(Buffer.alloc(100_000, 'x'));
    expect(await isPending(written)).toBe(true);
    expect(writer.unflushed).toBe(100_000 - 4096);
    await using reader = rx.open();
    await reader.readExactly(50_000);
    expect(await isPending(written)).toBe(true);
    await reader.readExactly(50_000);
    await written;
    expect(writer.unflushed).toBe(0);
  });

  test('small writes wait once more than the high-water mark is unflushed', async () => {
    const [rx, tx] = aiopipe({ capacity: 4096 });
    await using reader = rx.open();
    await using writer = tx.open({ highWaterMark: 1000 });
    await writer.write(Buffer.alloc(4096));
    await writer.write(Buffer.alloc(1000));
    expect(writer.unflushed).toBe(1000);
    const over = writer.write('x');
    expect(await isPending(over)).toBe(true);
    await reader.readExactly(4096);
    await over;
    await reader.readExactly(1001);
  });

  test('a high-water mark of 0 waits for the kernel every time', async () => {
    const [rx, tx] = aiopipe({ capacity: 4096 });
    await using reader = rx.open();
    await using writer = tx.open({ highWaterMark: 0 });
    await writer.write(Buffer.alloc(4096));
    const over = writer.write('x');
    expect(await isPending(over)).toBe(true);
    await reader.readExactly(4097);
    await over;
  });

  test.each([-1, NaN, '5', null])('refuses %s as an option, and the end is still ours', (value) => {
    const [rx, tx] = aiopipe();
    expect(thrownBy(() => tx.open({ highWaterMark: value as number }))).toBeInstanceOf(TypeError);
    expect(thrownBy(() => tx.open({ closeTimeout: value as number }))).toBeInstanceOf(TypeError);
    expect(tx.state).toBe('owned');
    tx.close();
    rx.close();
  });

  test('drain waits until the kernel has all', async () => {
    const [rx, tx] = aiopipe({ capacity: 4096 });
    await using reader = rx.open();
    await using writer = tx.open();
    await writer.drain();
    await writer.write(Buffer.alloc(10_000));
    const drained = writer.drain();
    expect(await isPending(drained)).toBe(true);
    await reader.readExactly(10_000);
    await drained;
    expect(writer.unflushed).toBe(0);
  });

  test('many waits at once end in their order', async () => {
    const [rx, tx] = aiopipe({ capacity: 4096 });
    await using reader = rx.open();
    await using writer = tx.open({ highWaterMark: 2000 });
    const order: number[] = [];
    const waits = Array.from({ length: 20 }, (_, i) =>
      writer.write(Buffer.alloc(3000 + i)).then(() => {
        order.push(i);
      }),
    );
    await reader.readExactly(20 * 3000 + 190);
    await Promise.all(waits);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });
});

describe('a reader that is gone', () => {
  test('is a BrokenPipeError in write, drain and close, again and again', async () => {
    const [rx, tx] = aiopipe();
    const writer = tx.open();
    rx.close();
    const error = await errorOf(writer.write(Buffer.alloc(20_000)));
    expect(error).toBeInstanceOf(BrokenPipeError);
    expect(error).toBeInstanceOf(AiopipeError);
    expect(error).toMatchObject({ code: 'EPIPE', syscall: 'write', name: 'BrokenPipeError' });
    expect(error['errno']).toBe(-32);
    expect(error.message).toMatch(/write end made at .*writer\.test\.ts/);
    expect(await errorOf(writer.write('x'))).toBe(error);
    expect(await errorOf(writer.drain())).toBe(error);
    expect(await errorOf(writer.close())).toBe(error);
    expect(tx.state).toBe('closed');
    expect(await errorOf(writer.write('x'))).toBeInstanceOf(ClosedError);
  });

  test('is found by a small write that was not awaited, and the next call rejects with it', async () => {
    for (const next of ['write', 'drain', 'close'] as const) {
      const [rx, tx] = aiopipe();
      const writer = tx.open();
      rx.close();
      void writer.write('small');
      await turns();
      expect(await errorOf(next === 'write' ? writer.write('x') : writer[next]())).toBeInstanceOf(BrokenPipeError);
      if (next !== 'close') writer.destroy();
    }
  });

  test('makes disposal reject, if no call has rejected with it', async () => {
    const [rx, tx] = aiopipe();
    rx.close();
    const scope = async () => {
      await using writer = tx.open();
      void writer.write('small');
      await turns();
    };
    expect(await errorOf(scope())).toBeInstanceOf(BrokenPipeError);
    expect(tx.state).toBe('closed');
  });

  test('is not reported twice: disposal after the error that left the scope is quiet', async () => {
    const [rx, tx] = aiopipe();
    rx.close();
    const scope = async () => {
      await using writer = tx.open();
      await writer.write(Buffer.alloc(100_000));
    };
    expect(await errorOf(scope())).toBeInstanceOf(BrokenPipeError);
    expect(tx.state).toBe('closed');
  });

  test('ends every write that waits', async () => {
    const [rx, tx] = aiopipe({ capacity: 4096 });
    const writer = tx.open();
    const waits = [writer.write(Buffer.alloc(50_000)), writer.write(Buffer.alloc(50_000)), writer.drain()];
    expect(await isPending(waits[0] as Promise<void>)).toBe(true);
    rx.close();
    for (const wait of waits) expect(await errorOf(wait)).toBeInstanceOf(BrokenPipeError);
    expect(writer.unflushed).toBe(0);
    writer.destroy();
  });

  test('of a socket is the same', async () => {
    const [one, other] = aioduplex();
    const { reader, writer } = one.open();
    const waiting = writer.write(Buffer.alloc(8 << 20));
    expect(await isPending(waiting)).toBe(true);
    other.close();
    expect(await errorOf(waiting)).toBeInstanceOf(BrokenPipeError);
    expect(await reader.read()).toHaveLength(0);
    writer.destroy();
    reader.close();
  });

  test('does not end a program that awaits none of its writes', async () => {
    const result = await runFixture('writes-to-nobody');
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(result.stdout).toBe('small: EPIPE\nlarge: EPIPE\nwaiting: EPIPE\nsocket: EPIPE\nunhandled: 0\n');
  });
});

describe('a descriptor that the event loop watches already', () => {
  test.each([
    ['small', 8000],
    ['large', 1_000_000],
  ])('fails the %s writes that must wait, and does not end the program', async (_size, length) => {
    const [one, other] = aioduplex({ bufferSize: 4096 });
    const fd = one.release();
    const reader = ReadEnd.fromFd(fd).open();
    const reading = errorOf(reader.read(1));
    await turns();
    const writer = WriteEnd.fromFd(fd).open();
    for (let i = 0; i < 5; i++) void writer.write(Buffer.alloc(length));
    await turns();
    expect(await errorOf(writer.drain())).toMatchObject({
      code: 'EEXIST',
      syscall: 'poll',
      message: expect.stringMatching(/already waits for this descriptor/),
    });
    expect(writer.unflushed).toBe(0);
    reader[Symbol.dispose]();
    expect(await reading).toBeInstanceOf(ClosedError);
    // Both were given the same number.
    writer.destroy();
    other.close();
  });
});

test('flushAll waits for every writer that holds bytes, and not for failed ones', async () => {
  const [rx, tx] = aiopipe({ capacity: 4096 });
  const [gone, broken] = aiopipe();
  const writer = tx.open();
  const failing = broken.open();
  void writer.write(Buffer.alloc(50_000));
  void failing.write('lost');
  gone.close();
  const flushed = flushAll();
  expect(await isPending(flushed)).toBe(true);
  await using reader = rx.open();
  await reader.readExactly(50_000);
  await flushed;
  expect(writer.unflushed).toBe(0);
  await writer.close();
  failing.destroy();
});

test('100 MB go through a pipe from another process unharmed', async () => {
  const [rx, tx] = aiopipe();
  let sender: ReturnType<typeof runFixture>;
  {
    using child = tx.detach();
    sender = runFixture('sends-100-mb', { fds: [child.fd] });
  }
  await using reader = rx.open();
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of reader) {
    hash.update(chunk);
    length += chunk.length;
  }
  const { stdout, code } = await sender;
  expect(code).toBe(0);
  expect(length).toBe(100_000_000);
  expect(hash.digest('hex')).toBe(stdout.trim());
});
