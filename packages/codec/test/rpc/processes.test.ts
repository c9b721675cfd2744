import { afterAll, describe, expect, test } from 'vitest';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { fixture, leakCheck, runFixture, type FixtureResult } from '@aiopipe/testing';
import { aioduplex } from '@aiopipe/core';
import { Channel, expose, proxy, type ChannelOptions } from '@aiopipe/codec';
import { errorOf, gate, soon } from './helpers.js';

afterAll(leakCheck());

interface Child {
  pid(): number;
  add(a: number, b: number): number;
  hang(): Promise<never>;
  tell(text: string): Promise<number>;
  listen(listener: (n: number) => void): void;
  emit(n: number): Promise<void>;
  count(to: number): AsyncGenerator<number>;
}

/** A process that serves calls, for the time of `use`; how it ended. */
async function withChild(
  use: (channel: Channel, remote: ReturnType<typeof proxy<Child>>) => Promise<void>,
  options?: ChannelOptions,
): Promise<[code: number | null, signal: string | null]> {
  const [ours, theirs] = aioduplex({ bufferSize: 1 << 20 });
  const child = theirs.detach((lent) =>
    spawn(process.execPath, [fixture('serves-calls')], { stdio: ['ignore', 'pipe', 'inherit', lent.fd] }),
  );
  child.stdout?.resume();
  const ended = once(child, 'close');
  {
    using channel = Channel.from(ours, options);
    await use(channel, proxy<Child>(channel));
  }
  return (await soon(ended, 'the end of the child')) as [number | null, string | null];
}

test('calls go both ways between two processes, until one closes', async () => {
  const notes: string[] = [];
  const heard: number[] = [];
  const end = await withChild(async (channel, remote) => {
    expose(channel, { note: (text: string) => notes.push(text) });
    expect(await remote.pid()).not.toBe(process.pid);
    const sums = await Promise.all(Array.from({ length: 1000 }, (_, i) => remote.add(i, 1)));
    expect(sums).toEqual(sums.map((_, i) => i + 1));
    expect(await remote.tell('a note')).toBe(1);
    await remote.listen((n) => void heard.push(n));
    await remote.emit(5);
    for await (const item of remote.count(1_000_000)) if (item === 99) break;
    while (!notes.includes('finally')) await remote.pid();
  });
  expect(notes).toEqual(['a note', 'finally']);
  expect(heard).toEqual([5]);
  expect(end).toEqual([0, null]);
});

test('a peer that is killed rejects all 1,000 open calls, each once', async () => {
  const end = await withChild(async (channel, remote) => {
    const pid = await remote.pid();
    const settled = new Map<number, number>();
    const calls = Array.from({ length: 1000 }, (_, i) =>
      remote.hang().then(
        () => undefined,
        (error: unknown) => {
          settled.set(i, (settled.get(i) ?? 0) + 1);
          return error as { code: string };
        },
      ),
    );
    const items = remote.count(1e9);
    expect((await items.next()).value).toBe(0);
    process.kill(pid, 'SIGKILL');
    for (const error of await soon(Promise.all(calls), 'the calls')) {
      expect(['ERR_AIOPIPE_END_OF_STREAM', 'ERR_AIOPIPE_INCOMPLETE_READ', 'EPIPE']).toContain(error?.code);
    }
    expect([...settled.values()].every((times) => times === 1)).toBe(true);
    expect(settled.size).toBe(1000);
    await errorOf(
      (async () => {
        for (;;) if ((await items.next()).done) throw new Error('ended without an error');
      })(),
    ).then(({ message }) => {
      expect(message).not.toBe('ended without an error');
    });
    expect(await errorOf(remote.pid())).toBeInstanceOf(Error);
    channel.close();
  });
  expect(end).toEqual([null, 'SIGKILL']);
});

test('a caller that is killed aborts its calls here', async () => {
  const aborted = gate<unknown>();
  await withChild(async (channel, remote) => {
    const { callSignal } = await import('@aiopipe/codec');
    expose(channel, {
      note: async () => {
        const signal = callSignal();
        signal.addEventListener('abort', () => {
          aborted.open(signal.reason);
        });
        process.kill(await remote.pid(), 'SIGKILL');
        return new Promise(() => undefined);
      },
    });
    void remote.tell('a note');
    expect(await soon(aborted.promise, 'the abort')).toBeInstanceOf(Error);
  });
});

describe('a process with calls', () => {
  /** Runs the fixture, and answers its call after all that it does has begun. */
  async function run(what: string, serve: (channel: Channel) => Promise<void> | void): Promise<FixtureResult> {
    const [ours, theirs] = aioduplex({ bufferSize: 1 << 20 });
    let running: Promise<FixtureResult>;
    {
      using lent = theirs.detach();
      running = runFixture('calls-and-ends', { args: [what], fds: [lent.fd] });
    }
    using channel = Channel.from(ours);
    await serve(channel);
    return await running;
  }

  const slow = (channel: Channel) => {
    expose(channel, {
      slow: () => new Promise((resolve) => setTimeout(resolve, 100, 'an answer')),
      keep: () => undefined,
    });
  };

  test('waits for the answer of one', async () => {
    expect(await run('call', slow)).toMatchObject({ code: 0, signal: null, stdout: 'got an answer', stderr: '' });
  });

  test('serves for as long as the channel', async () => {
    const result = await run('exposed', async (channel) => {
      await proxy<{ one(): void }>(channel).one();
      channel.close();
    });
    expect(result).toMatchObject({ code: 0, signal: null, stdout: 'got a call', stderr: '' });
  });

  test.each(['idle', 'after-a-call', 'unref-call', 'closed-exposed'])('ends by itself: %s', async (what) => {
    expect(await run(what, slow)).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  test('stays for a function of its that the peer has kept', async () => {
    const result = await run('retained', async (channel) => {
      const { retain } = await import('@aiopipe/codec');
      const kept = gate<() => Promise<void>>();
      expose(channel, { keep: (f: () => Promise<void>) => kept.open(retain(f)) });
      const f = await kept.promise;
      await new Promise((resolve) => setTimeout(resolve, 100));
      await f();
      channel.close();
    });
    expect(result).toMatchObject({ code: 0, signal: null, stdout: 'got a call' });
  });
});
