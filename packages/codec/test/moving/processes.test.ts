import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { afterAll, describe, expect, test } from 'vitest';
import { fixture, leakCheck, runFixture, writeTo } from '@aiopipe/testing';
import { aioduplex, aiopipe, type DuplexEnd } from '@aiopipe/core';
import { Channel, channel, EndOfStreamError, registerCodec } from '@aiopipe/codec';
import { errorOf, turns } from '../channel/helpers.js';
import { text } from './helpers.js';

afterAll(leakCheck());

registerCodec('of-this-process', { encode: (value) => Buffer.from(String(value)), decode: String });

/** A process that runs and waits for messages, for the time of `use`. */
async function withChild(use: (control: Channel) => Promise<void>): Promise<void> {
  const [ours, theirs] = aioduplex({ bufferSize: 1 << 20 });
  const child = theirs.detach((lent) =>
    spawn(process.execPath, [fixture('relays-messages'), 'child'], {
      stdio: ['ignore', 'inherit', 'inherit', lent.fd],
    }),
  );
  const ended = once(child, 'close');
  {
    using control = Channel.from(ours);
    await use(control);
  }
  expect(await ended).toEqual([0, null]);
}

describe('every kind of handle goes to a process that is running already', () => {
  test('in one conversation with it', async () => {
    await withChild(async (control) => {
      const send = (handle: unknown) => control.put({ path: [], handle });

      const [rx, tx] = aiopipe();
      await send(rx);
      writeTo(tx.fd, 'for the child');
      tx.close();
      expect(await control.get()).toBe('for the child');

      const [opened, feed] = aiopipe();
      const reader = opened.open();
      writeTo(feed.fd, 'for us\nfor the child');
      expect((await reader.readLine()).toString()).toBe('for us\n');
      await send(reader);
      feed.close();
      expect(await control.get()).toBe('for the child');

      const [rx2, tx2] = aiopipe();
      await send(tx2);
      expect(await control.get()).toBe('WriteEnd');
      expect(text(rx2)).toBe('written by child');
      expect(text(rx2)).toBe('');
      rx2.close();

      const [one, other] = aioduplex();
      await send(one);
      {
        await using stream = other.open();
        await stream.writer.write('louder\n');
        expect((await stream.reader.readLine()).toString()).toBe('LOUDER\n');
      }
      expect(await control.get()).toBe('DuplexEnd');

      const [r, w] = channel();
      await w.put(1);
      await send(r);
      await w.put({ two: 2 });
      w.close();
      expect(await control.get()).toEqual([1, { two: 2 }]);

      const [r2, w2] = channel();
      await send(w2);
      expect(await r2.get()).toEqual({ by: 'child', path: ['child'] });
      expect(await errorOf(r2.get())).toBeInstanceOf(EndOfStreamError);
      expect(await control.get()).toBe('ChannelWriter');
      r2.close();

      const [a, b] = channel({ duplex: true });
      await send(b);
      await a.put('question');
      expect(await a.get()).toEqual({ answer: 'question', path: ['child'] });
      a.close();
      expect(await control.get()).toBe('Channel');
    });
  });

  test('and one that it cannot make again rejects that get alone', async () => {
    await withChild(async (control) => {
      const [r, w] = channel({ encoder: 'of-this-process', decoder: 'of-this-process' });
      await control.put({ path: [], handle: r, newShape: { inner: 1 } });
      expect(await control.get()).toMatchObject({
        code: 'ERR_AIOPIPE_DECODE',
        message: expect.stringMatching(/a received ChannelReader could not be opened: .*of-this-process/) as unknown,
      });
      // The child has closed it, and knows the shapes of that message all the same.
      expect(await errorOf(w.put('x'))).toMatchObject({ code: 'EPIPE' });
      w.close();
      const [rx, tx] = aiopipe();
      tx.close();
      await control.put({ path: [], handle: rx, newShape: { inner: 2 } });
      expect(await control.get()).toBe('');
    });
  });

  test('and an end that five processes have passed on still talks to its peer', async () => {
    const names = ['one', 'two', 'three', 'four', 'five'];
    const links = names.map(() => aioduplex({ bufferSize: 1 << 20 }));
    const children = names.map((name, i) => {
      const [, source] = links[i] as [DuplexEnd, DuplexEnd];
      const next = links[i + 1]?.[0];
      using lent = source.detach();
      using lentNext = next?.detach();
      return spawn(process.execPath, [fixture('relays-messages'), name, ...(next ? ['on'] : [])], {
        stdio: ['ignore', 'inherit', 'inherit', lent.fd, ...(lentNext ? [lentNext.fd] : [])],
      });
    });
    const ended = children.map((child) => once(child, 'close'));
    {
      using control = Channel.from((links[0] as [DuplexEnd, DuplexEnd])[0]);
      const [near, far] = channel({ duplex: true });
      await near.put('asked before it left');
      await control.put({ path: ['here'], handle: far });
      await near.put('asked after');
      for (const question of ['asked before it left', 'asked after']) {
        expect(await near.get()).toEqual({ answer: question, path: ['here', ...names] });
      }
      near.close();
    }
    for (const end of ended) expect(await end).toEqual([0, null]);
  });
});

test('a receiver at its limit of open files closes the channel with an error that says so', async () => {
  const [ours, theirs] = aioduplex({ bufferSize: 1 << 20 });
  const child = theirs.detach((lent) =>
    spawn('sh', ['-c', 'ulimit -n 40; exec "$@"', 'sh', process.execPath, fixture('has-few-descriptors')], {
      stdio: ['ignore', 'pipe', 'inherit', lent.fd],
    }),
  );
  const ended = once(child, 'close');
  let printed = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
  using control = Channel.from(ours);
  expect(await control.get()).toBe('ready');
  await control.put('go');
  const pipes = Array.from({ length: 40 }, () => aiopipe());
  await control.put(pipes.map(([, tx]) => tx));
  expect(await ended).toEqual([0, null]);
  const [first, second, third, ...rest] = printed.trim().split('\n');
  expect(first).toMatch(/^EMFILE .*handles that a peer sent could not be received.*ulimit -n/);
  for (const line of [second, third]) expect(line).toMatch(/^ERR_AIOPIPE_CLOSED .*ulimit -n/);
  expect(rest).toEqual(['closed: true', 'descriptors: -1']);
  expect(await errorOf(control.get())).toBeInstanceOf(EndOfStreamError);
  for (const [rx] of pipes) {
    expect(text(rx)).toBe('');
    rx.close();
  }
  await turns();
});

test('a reader that moves after a handle of the next message was lost says so, and gives later handles to no message', async () => {
  const { stdout, stderr } = await runFixture('moves-after-lost-handles');
  expect({ stdout, stderr }).toEqual({ stdout: 'before: EMFILE, ERR_AIOPIPE_CLOSED\n', stderr: '' });
});
