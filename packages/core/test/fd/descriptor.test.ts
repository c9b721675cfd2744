import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck, runFixture, type FixtureResult, writeTo } from '@aiopipe/testing';
import { aioduplex, aiopipe, ClosedError } from '@aiopipe/core';
import { errorOf, isPending } from '../helpers.js';

afterAll(leakCheck());

/** A child that does one thing with its end of a duplex pipe; `answer` is called when it has said that it began. */
async function child(what: string): Promise<{ result: FixtureResult; received: Buffer }> {
  const [ours, theirs] = aioduplex();
  await using stream = ours.open();
  let running: Promise<FixtureResult>;
  {
    using lent = theirs.detach();
    running = runFixture('holds-the-loop', { args: [what], fds: [lent.fd] });
  }
  expect((await stream.reader.readLine()).toString()).toBe('ready\n');
  // The child has nothing else to do from here on: if nothing held its loop it would end now, without an answer.
  await stream.writer.write('answer\n').catch(() => undefined);
  const received = await stream.reader.read();
  const result = await running;
  stream.writer.destroy();
  return { result, received };
}

describe('a process stays alive', () => {
  test('while a read waits', async () => {
    const { result } = await child('read');
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '', stdout: 'got answer\n' });
  });

  test('while a read waits again after unref() and ref()', async () => {
    const { result } = await child('unref-ref-read');
    expect(result).toMatchObject({ code: 0, stdout: 'got answer\n' });
  });

  test('until what was written is with the kernel', async () => {
    const { result, received } = await child('write');
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(received).toHaveLength(3_000_000);
  });
});

describe('a process ends by itself', () => {
  test.each([
    'idle-open',
    'idle-after-read',
    'unref-read',
    'unref-read-with-a-timeout',
    'read-with-a-timeout-then-unref',
    'unref-write',
    'unref-write-with-a-timeout',
    'ref-idle',
  ])('with %s', async (what) => {
    const { result } = await child(what);
    expect(result).toMatchObject({ code: 0, signal: null, stdout: '', stderr: '' });
  });
});

describe('what a poll handle that is active with data to read does not crash', () => {
  test.each(['natural', 'exit', 'throw', 'worker-natural', 'worker-exit', 'worker-terminate', 'worker-throw'])(
    'an exit: %s',
    async (how) => {
      const result = await runFixture('exits-while-polling', { args: [how] });
      expect(result).toMatchObject({ signal: null, stdout: how.startsWith('worker') ? 'worker ended\n' : '' });
      expect(result.code).toBe(how === 'exit' ? 7 : how === 'throw' ? 1 : 0);
    },
  );
});

test('an event that no stream waits for causes no busy loop', async () => {
  const [rx, tx] = aiopipe();
  await using reader = rx.open();
  const waiting = reader.read(1);
  expect(await isPending(waiting)).toBe(true);
  writeTo(tx.fd, 'more than one');
  await waiting;
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { user, system } = process.cpuUsage(before);
  expect(user + system).toBeLessThan(100_000);
  tx.close();
});

test('an end that is closed, or whose peer is, is no busy loop', async () => {
  const [rx, tx] = aiopipe({ capacity: 4096 });
  const [one, other] = aioduplex();
  const stream = one.open();
  const writer = tx.open();
  const reading = stream.reader.read(1);
  const written = writer.write(Buffer.alloc(50_000));
  expect(await isPending(written)).toBe(true);
  rx.close();
  other.close();
  await errorOf(written);
  await reading;
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { user, system } = process.cpuUsage(before);
  expect(user + system).toBeLessThan(100_000);
  writer.destroy();
  stream.writer.destroy();
  stream.reader.close();
});

test('a number that is used again by another pipe gets its own events', async () => {
  for (let round = 0; round < 50; round++) {
    const [rx, tx] = aiopipe();
    const { fd } = rx;
    const reader = rx.open();
    const waiting = reader.read(1);
    expect(await isPending(waiting)).toBe(true);
    rx[Symbol.dispose]();
    const [again, other] = aiopipe();
    expect(again.fd).toBe(fd);
    const second = again.open();
    const read = second.read(10);
    writeTo(other.fd, 'mine');
    expect((await read).toString()).toBe('mine');
    expect(await errorOf(waiting)).toBeInstanceOf(ClosedError);
    second.close();
    other.close();
    tx.close();
  }
});

test('a flood leaves the loop to others', async () => {
  const [rx, tx] = aiopipe({ capacity: 1 << 20 });
  await using reader = rx.open();
  await using writer = tx.open();
  let isOver = false;
  const writing = (async () => {
    const bytes = Buffer.alloc(1 << 20);
    while (!isOver) await writer.write(bytes);
    await writer.close();
  })();
  let read = 0;
  const reading = (async () => {
    for await (const chunk of reader) read += chunk.length;
  })();
  // However long the flood lasts, each turn of the loop has a share of it.
  let most = 0;
  for (let turn = 0; turn < 300; turn++) {
    const before = read;
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, read - before);
  }
  isOver = true;
  await Promise.all([writing, reading]);
  expect(read).toBeGreaterThan(20 << 20);
  expect(most).toBeLessThanOrEqual(4 << 20);
});

test('an opened socket does not change the mode of those who share it; an opened pipe does not block', async () => {
  const isBlocking = (fd: number) => {
    const flags = /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${String(fd)}`, 'utf8'))?.[1] ?? '';
    return (parseInt(flags, 8) & 0o4000) === 0;
  };
  const [one, other] = aioduplex();
  const [rx, tx] = aiopipe();
  await using _stream = one.open();
  using _reader = rx.open();
  expect([one, other, tx].map(({ fd }) => isBlocking(fd))).toEqual([true, true, true]);
  expect(isBlocking(rx.fd)).toBe(false);
  other.close();
  tx.close();
});
