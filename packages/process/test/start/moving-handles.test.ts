import { afterAll, describe, expect, test } from 'vitest';
import { channel } from '@aiopipe/codec';
import { aioduplex, aiopipe, MovedError, type ReadEnd } from '@aiopipe/core';
import { startProcess } from '@aiopipe/process';
import { leakCheck } from '@aiopipe/testing';
import * as echoes from '../fixtures/echoes.js';
import * as uses from '../fixtures/uses-handles.js';
import { errorOf, thrownBy } from '../helpers.js';

afterAll(leakCheck());

describe('handles in the arguments', () => {
  test('move, wherever they stand', async () => {
    const [rx, tx] = aiopipe();
    const [rx2, tx2] = aiopipe();
    const [ours, theirs] = aioduplex();
    const [messages, toThem] = channel<string>();
    const [fromThem, answers] = channel<string>();
    const [one, other] = channel<string>({ duplex: true });
    const handles = {
      list: [{ rx }] as const,
      map: new Map([['tx', tx2]]),
      deep: { er: { duplex: theirs } },
      set: new Set([messages]),
      writer: answers,
    };
    const child = startProcess(uses.useAll, { args: [handles, other] });

    for (const end of [rx, tx2, theirs]) {
      expect(end.state).toBe('moved');
      expect(thrownBy(() => end.fd)).toBeInstanceOf(MovedError);
      expect(thrownBy(() => end.open())).toBeInstanceOf(MovedError);
    }
    expect(await errorOf(messages.get())).toBeInstanceOf(MovedError);
    expect(await errorOf(answers.put('x'))).toBeInstanceOf(MovedError);
    expect(thrownBy(() => other.close())).toBeInstanceOf(MovedError);

    await using writer = tx.open();
    await using reader = rx2.open();
    await using duplex = ours.open();
    await writer.write('one');
    await writer.close();
    expect((await reader.readLine()).toString()).toBe('read end: one\n');
    await duplex.writer.write('two\n');
    expect((await duplex.reader.readLine()).toString()).toBe('duplex: two\n');
    await toThem.put('three');
    expect(await fromThem.get()).toBe('reader: three');
    await one.put('four');
    expect(await one.get()).toBe('channel: four');
    await child.result;
    await child.join();
    for (const end of [toThem, fromThem, one]) end.close();
  });

  test('are closed with the child: the other side sees the end', async () => {
    const [rx, tx] = aiopipe();
    startProcess(uses.writeOne, { args: [tx, 'hello'] });
    await using reader = rx.open();
    expect((await reader.read()).toString()).toBe('hello');
  });

  test('are closed if the child is killed before it took them', async () => {
    const [rx, tx] = aiopipe();
    const child = startProcess(uses.writeOne, { args: [tx, 'hello'] });
    child.kill('SIGKILL');
    await using reader = rx.open();
    expect((await reader.read()).toString()).toBe('');
    expect(await child.join()).toEqual({ exitCode: null, signalCode: 'SIGKILL' });
  });

  test('may come back in the result', async () => {
    const child = startProcess(uses.returnHandle);
    const { rx } = await child.result;
    await using reader = (rx as ReadEnd).open();
    expect((await reader.read()).toString()).toBe('from a pipe made in the child');
    await child.join();
  });

  test('connect two siblings, with this process out of the way', async () => {
    const [reader, writer] = channel<number>();
    const summing = startProcess(uses.sum, { args: [reader] });
    const putting = startProcess(uses.putAndReturn, { args: [writer, 10_000] });
    expect(await summing.result).toBe((10_000 * 9_999) / 2);
    await Promise.all([summing.join(), putting.join()]);
  });
});

test('10,000 messages go both ways over a duplex channel, in order', async () => {
  const [ours, theirs] = channel<{ n: number; text: string }>({ duplex: true });
  const child = startProcess(echoes.echoMessages, { args: [theirs] });
  const count = 10_000;
  const sending = (async () => {
    for (let n = 0; n < count; n++) await ours.put({ n, text: `message ${String(n)}` });
  })();
  for (let n = 0; n < count; n++) {
    const message = await ours.get();
    if (message.n !== n || message.text !== `message ${String(n)}`) expect(message).toEqual({ n });
  }
  await sending;
  ours.close();
  expect(await child.result).toBe(count);
  await child.join();
});
