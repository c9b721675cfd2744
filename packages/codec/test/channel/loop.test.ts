import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  collectGarbage,
  fdsSince,
  leakCheck,
  openFds,
  runFixture,
  until,
  type FixtureResult,
  noteWarnings,
} from '@aiopipe/testing';
import { aioduplex, aiopipe } from '@aiopipe/core';
import { Channel, channel } from '@aiopipe/codec';
import { errorOf, turns } from './helpers.js';

afterAll(leakCheck());

/** Starts the fixture on a channel, answers it once it has nothing else to do, and takes what it puts. */
async function child(what: string): Promise<{ result: FixtureResult; received: unknown[] }> {
  const [ours, theirs] = aioduplex({ bufferSize: 1 << 20 });
  const [other, theirOther] = aioduplex();
  let running: Promise<FixtureResult>;
  {
    using lent = theirs.detach();
    using second = theirOther.detach();
    running = runFixture('waits-on-a-channel', {
      args: [what],
      fds: [lent.fd, second.fd],
      execArgv: ['--expose-gc'],
    });
  }
  using first = Channel.from<string>(ours);
  using late = Channel.from<string>(other);
  expect(await first.get()).toBe('ready');
  if (what === 'put-unref') return { result: await running, received: [] };
  const isDropped = what === 'get-dropped';
  if (isDropped) expect(await first.get()).toBe('collected');
  await (isDropped ? late : first).put('an answer').catch(() => undefined);
  const received: unknown[] = [];
  if (what === 'loop') first[Symbol.dispose]();
  else for await (const message of first) received.push(message);
  return { result: await running, received };
}

describe('a process stays alive', () => {
  test.each(['get', 'get-after-unref-and-ref', 'loop', 'get-dropped'])('with %s', async (what) => {
    const { result } = await child(what);
    expect(result).toMatchObject({ code: 0, signal: null, stdout: 'got an answer' });
  });

  test('until what was put is with the kernel', async () => {
    const { result, received } = await child('put');
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(received).toEqual(['x'.repeat(3_000_000), 'small']);
  });
});

describe('a process ends by itself', () => {
  test.each(['idle', 'closed-watched', 'idle-after-get', 'get-unref', 'put-unref'])('with %s', async (what) => {
    const { result } = await child(what);
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
  });
});

describe('a channel that is dropped without close', () => {
  const warnings = noteWarnings({ beforeEach, afterEach });

  async function collected(before: Map<number, string>, left = 0): Promise<void> {
    await until('the dropped ends are closed', async () => {
      await collectGarbage();
      return fdsSince(before).length === left;
    });
    await turns();
  }

  test('is closed by the collector, with one warning for each line that made ends', async () => {
    const before = openFds();
    (() => {
      channel();
      channel({ duplex: true });
    })();
    await collected(before);
    expect(warnings.map(({ name, code }) => [name, code])).toEqual(
      Array(2).fill(['AiopipeWarning', 'AIOPIPE_DROPPED']),
    );
    for (const { message } of warnings) {
      expect(message).toMatch(
        /^(A channel (reader|writer|end)|2 ends, streams, channels or hubs) made at .*loop\.test\.ts:\d+:\d+ (was|were) dropped/,
      );
    }
  });

  test('is closed after use, too', async () => {
    const before = openFds();
    await (async () => {
      const [r, w] = channel();
      await Promise.all([w.put('x'), r.get(), w.drain()]);
      await errorOf(r.get({ timeout: 1 }));
    })();
    await collected(before);
    expect(warnings).toHaveLength(1);
  });

  test('delivers first what was put and waits for the kernel', async () => {
    const before = openFds();
    const start = () => {
      const [r, w] = channel<Buffer>();
      void w.put(Buffer.alloc(5_000_000, 'd'));
      return r;
    };
    const r = start();
    await turns();
    await collectGarbage();
    expect((await r.get()).equals(Buffer.alloc(5_000_000, 'd'))).toBe(true);
    r.close();
    await collected(before);
  });

  test('is kept while a get waits, though no variable refers to it', async () => {
    const before = openFds();
    const start = () => {
      const [a, b] = channel<string>({ duplex: true });
      return { got: a.get(), b };
    };
    const { got, b } = start();
    await collectGarbage();
    await collectGarbage();
    await b.put('to the one that waits');
    expect(await got).toBe('to the one that waits');
    expect(warnings).toEqual([]);
    b.close();
    await collected(before);
  });

  test('closes the handles of messages that were not taken', async () => {
    const before = openFds();
    await (async () => {
      const [r, w] = channel<unknown>();
      const [rx, tx] = aiopipe();
      void w.put('plain');
      await w.put({ rx });
      expect(await r.get()).toBe('plain');
      tx.close();
      w.close();
    })();
    await collected(before);
  });
});
