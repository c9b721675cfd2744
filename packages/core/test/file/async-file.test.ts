import { spawnSync } from 'node:child_process';
import { constants, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck, readFrom } from '@aiopipe/testing';
import {
  aioduplex,
  aiopipe,
  AsyncFile,
  BrokenPipeError,
  BusyError,
  ClosedError,
  ReadEnd,
  TimeoutError,
  WriteEnd,
} from '@aiopipe/core';
import { errorOf, isPending, writeAll } from '../helpers.js';

afterAll(leakCheck());

function fifoPair(): [ReadEnd, WriteEnd] {
  const path = join(tmpdir(), `aiopipe-fifo-${String(process.pid)}`);
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const write = openSync(path, 'w');
  rmSync(path);
  return [ReadEnd.fromFd(read), WriteEnd.fromFd(write)];
}

const kinds: [string, () => [AsyncFile, AsyncFile]][] = [
  ['a pipe', () => files(...aiopipe({ capacity: 65536 }))],
  ['a socket pair', () => files(...aioduplex())],
  ['a FIFO', () => files(...fifoPair())],
];

function files(...ends: ConstructorParameters<typeof AsyncFile>[0][]): [AsyncFile, AsyncFile] {
  return ends.map((end) => new AsyncFile(end)) as [AsyncFile, AsyncFile];
}

describe.each(kinds)('over %s', (_name, make) => {
  test('reads up to a size, with full exactly the size, with 0 all', async () => {
    const [reading, writing] = make();
    await using _reading = reading;
    expect(await writing.write('abcdef', { full: true })).toBe(6);
    expect((await reading.read(2)).toString()).toBe('ab');
    expect((await reading.read(100)).toString()).toBe('cdef');
    const full = reading.read(5, { full: true });
    await writing.write('123', { full: true });
    expect(await isPending(full)).toBe(true);
    await writing.write('4567', { full: true });
    expect((await full).toString()).toBe('12345');
    const all = reading.read();
    await writing.write('89');
    await writing.close();
    expect((await all).toString()).toBe('6789');
    expect(reading.atEof).toBe(true);
    expect(await reading.read(1)).toHaveLength(0);
  });

  test('returns at the end of the stream what there is', async () => {
    const [reading, writing] = make();
    await using _reading = reading;
    await writing.write('abc');
    await writing.close();
    expect((await reading.read(5, { full: true })).toString()).toBe('abc');
    expect(await reading.read(5, { full: true })).toHaveLength(0);
  });

  test('returns at a timeout what has come, and rejects TimeoutError if nothing has', async () => {
    const [reading, writing] = make();
    await using _reading = reading;
    await using _writing = writing;
    for (const size of [0, 5]) {
      expect(await errorOf(reading.read(size, { full: true, timeout: 5 }))).toBeInstanceOf(TimeoutError);
      await writing.write('abc', { full: true });
      expect((await reading.read(size, { full: true, timeout: 5 })).toString()).toBe('abc');
    }
    await writing.write('abc', { full: true });
    const aborted = reading.read(5, { full: true, signal: AbortSignal.timeout(5) });
    expect(await errorOf(aborted)).toMatchObject({ code: 'ABORT_ERR' });
    expect((await reading.read(5)).toString()).toBe('abc');
  });

  test('reads lines, whole or in parts, and a timeout loses no part', async () => {
    const [reading, writing] = make();
    await using _reading = reading;
    await writing.write('first\nsecond\nthi', { full: true });
    expect((await reading.readLine()).toString()).toBe('first\n');
    expect((await reading.readLine(4)).toString()).toBe('seco');
    expect((await reading.readLine(40, { sizeHint: 10 })).toString()).toBe('nd\n');
    expect(await errorOf(reading.readLine(0, { timeout: 5 }))).toBeInstanceOf(TimeoutError);
    await writing.write('rd');
    await writing.close();
    expect((await reading.readLine()).toString()).toBe('third');
    expect(await reading.readLine()).toHaveLength(0);
  });

  test('writes what fits, or with full all, and returns how many bytes', async () => {
    const [reading, writing] = make();
    await using _writing = writing;
    const bytes = Buffer.alloc(3_000_000, 'abcdefg');
    const first = await writing.write(bytes);
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(bytes.length);
    expect((await reading.read(first, { full: true })).equals(bytes.subarray(0, first))).toBe(true);

    const rest = writing.write(bytes, { full: true });
    expect(await isPending(rest)).toBe(true);
    const busy = await errorOf(writing.write('x'));
    expect(busy).toBeInstanceOf(BusyError);
    expect(busy.message).toMatch(/ made at .*: another write is still waiting; await it first$/);
    expect((await reading.read(bytes.length, { full: true })).equals(bytes)).toBe(true);
    expect(await rest).toBe(bytes.length);
    await reading.close();
  });

  test('returns at a timeout how much was written, and writes no more than that', async () => {
    const [reading, writing] = make();
    await using _writing = writing;
    const bytes = Buffer.alloc(3_000_000, 'abcdefg');
    const count = await writing.write(bytes, { full: true, timeout: 10 });
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(bytes.length);
    expect(await errorOf(writing.write('never', { timeout: 5 }))).toBeInstanceOf(TimeoutError);
    expect((await reading.read(count, { full: true })).equals(bytes.subarray(0, count))).toBe(true);
    await writing.write('next');
    expect((await reading.read(100)).toString()).toBe('next');
    await reading.close();
  });

  test('tells that the reader is gone', async () => {
    const [reading, writing] = make();
    await reading.close();
    for (const full of [true, false]) {
      expect(await errorOf(writing.write(Buffer.alloc(100_000), { full }))).toBeInstanceOf(BrokenPipeError);
    }
    await writing.close().catch(() => undefined);
    expect(await errorOf(writing.close())).toBeInstanceOf(ClosedError);
  });
});

test('goes one way over a simplex end, and says so', async () => {
  const [reading, writing] = files(...aiopipe());
  expect(await errorOf(reading.write('x'))).toMatchObject({
    code: 'ERR_AIOPIPE_WRONG_DIRECTION',
    message: expect.stringMatching(
      /^read end made at .* is open for reading only, so it cannot be written; open it for writing, too \(flags 'r\+'\)/,
    ) as string,
  });
  for (const wrong of [writing.read(1), writing.readLine()]) {
    expect(await errorOf(wrong)).toMatchObject({ code: 'ERR_AIOPIPE_WRONG_DIRECTION' });
  }
  await reading.close();
  await writing.close();
  expect(await errorOf(reading.close())).toBeInstanceOf(ClosedError);
  expect(await errorOf(reading.read(1))).toBeInstanceOf(ClosedError);
});

test('takes streams that are open already, and goes both ways over a duplex', async () => {
  const [one, other] = aioduplex();
  await using file = new AsyncFile(one.open());
  writeAll(other.fd, Buffer.from('hello'));
  expect((await file.read(5, { full: true })).toString()).toBe('hello');
  expect(await file.write('world')).toBe(5);
  const buffer = Buffer.alloc(10);
  expect(buffer.toString('utf8', 0, readFrom(other.fd, buffer))).toBe('world');
  other.close();
});

test.each([-1, NaN, 1.5, '5', null])('refuses the size %s', async (size) => {
  const [reading, writing] = files(...aiopipe());
  expect(await errorOf(reading.read(size as number))).toBeInstanceOf(RangeError);
  expect(await errorOf(reading.readLine(size as number))).toBeInstanceOf(RangeError);
  await reading.close();
  await writing.close();
});

test.each([null, 5, 'full'])('refuses the options %j', async (options) => {
  const [reading, writing] = files(...aiopipe());
  for (const call of [
    reading.read(1, options as never),
    reading.readLine(0, options as never),
    writing.write('x', options as never),
  ]) {
    expect(await errorOf(call)).toBeInstanceOf(TypeError);
    expect(await errorOf(call)).toMatchObject({ message: expect.stringMatching(/^options: expected/) as string });
  }
  await reading.close();
  await writing.close();
});
