import { aiopipe, aioduplex, AsyncFile } from '@aiopipe/core';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';

afterAll(leakCheck());

const CALLS = 300_000;

/** Makes the calls, one after the other, until a timer fires. Returns whether it did before they were all made. */
async function timerFiresDuring(call: () => Promise<unknown>): Promise<boolean> {
  let hasFired = false;
  const timer = setTimeout(() => {
    hasFired = true;
  }, 5);
  for (let i = 0; i < CALLS && !hasFired; i++) await call();
  clearTimeout(timer);
  return hasFired;
}

/** A reader that has all its bytes in its queue, or in the pipe. */
async function filled(text: string) {
  const [rx, tx] = aiopipe();
  const reader = rx.open();
  const writer = tx.open({ highWaterMark: Infinity });
  const written = writer.write(text);
  expect((await reader.readExactly(1)).length).toBe(1);
  return {
    reader,
    close: async () => {
      reader[Symbol.dispose]();
      writer.destroy();
      await written.catch(() => undefined);
    },
  };
}

test('timers run during a loop of small reads', async () => {
  const { reader, close } = await filled('x'.repeat(2 * CALLS));
  expect(await timerFiresDuring(() => reader.read(1))).toBe(true);
  await close();
});

test('timers run during a loop of readLine', async () => {
  const { reader, close } = await filled('.' + 'line\n'.repeat(CALLS + 1));
  expect(await timerFiresDuring(() => reader.readLine())).toBe(true);
  await close();
});

test('timers run during a loop over lines', async () => {
  const { reader, close } = await filled('.' + 'line\n'.repeat(CALLS + 1));
  const lines = reader.lines();
  expect(await timerFiresDuring(() => lines.next())).toBe(true);
  await close();
});

test.each(['lines', 'readLine', 'read'] as const)(
  'a loop of %s over short pieces does not read ahead without bound',
  async (call) => {
    const [rx, tx] = aiopipe();
    const reader = rx.open();
    const writer = tx.open();
    let written = 0;
    let isOver = false;
    const writing = (async () => {
      const chunk = 'y\n'.repeat(32 * 1024);
      for (; !isOver; written += chunk.length) await writer.write(chunk);
    })();
    const lines = reader.lines();
    let most = 0;
    for (let taken = 0; taken < 400_000; taken += 2) {
      if (call === 'lines') await lines.next();
      else if (call === 'readLine') await reader.readLine();
      else await reader.read(2);
      most = Math.max(most, written - taken);
    }
    isOver = true;
    reader[Symbol.dispose]();
    writer.destroy();
    await writing.catch(() => undefined);
    // The pipe, one read and the waiting chunk hold fewer bytes than this.
    expect(most).toBeLessThan(1024 * 1024);
  },
);

test.each(['x', ''])('timers run during a loop of writes of %j, which are only gathered', async (data) => {
  const [rx, tx] = aiopipe({ capacity: 1024 * 1024 });
  const writer = tx.open({ highWaterMark: Infinity });
  expect(await timerFiresDuring(() => writer.write(data))).toBe(true);
  writer.destroy();
  rx.close();
});

test('timers run during a loop of writes of an AsyncFile', async () => {
  const [a, b] = aioduplex({ bufferSize: 4 * 1024 * 1024 });
  await using duplex = b.open();
  const { reader } = duplex;
  const consumed = (async () => {
    let bytes = 0;
    for await (const chunk of reader) bytes += chunk.length;
    return bytes;
  })();
  const file = new AsyncFile(a);
  expect(await timerFiresDuring(() => file.write('x'))).toBe(true);
  await file.close();
  expect(await consumed).toBeGreaterThan(0);
});

test('no line comes after an abort, even of those that are there', async () => {
  const { reader, close } = await filled('.' + 'line\n'.repeat(CALLS));
  const controller = new AbortController();
  let after = 0;
  setTimeout(() => {
    controller.abort();
  }, 2);
  const loop = (async () => {
    for await (const line of reader.lines({ signal: controller.signal }))
      if (controller.signal.aborted) after += line.length;
  })();
  await expect(loop).rejects.toThrow(/aborted/);
  expect(after).toBe(0);
  await close();
});

test('a read with a timeout of 0 gets what is there, also when the calls of a turn are used up', async () => {
  const { reader, close } = await filled('x'.repeat(5000));
  for (let i = 0; i < 4000; i++) expect((await reader.read(1, { timeout: 0 })).length).toBe(1);
  await close();
});
