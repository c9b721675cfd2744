import { afterAll, describe, expect, test } from 'vitest';
import { channel, type ChannelReader, type ChannelWriter } from '@aiopipe/codec';
import { aiopipe } from '@aiopipe/core';
import { startProcess } from '@aiopipe/process';
import { leakCheck } from '@aiopipe/testing';
import { relay, takesOne, writesUntilBroken } from '../fixtures/talks-to-siblings.js';
import { errorOf } from '../helpers.js';

afterAll(leakCheck());

test('a ring of children passes on what comes, with this process out of the way', async () => {
  const members = 4;
  const last = 1000;
  const readers: ChannelReader<number>[] = [];
  const writers: ChannelWriter<number>[] = [];
  for (let i = 0; i < members; i++) {
    const [reader, writer] = channel<number>();
    readers.push(reader);
    writers.push(writer);
  }
  const children = readers.map((reader, i) => {
    const writer = writers[(i + 1) % members] as ChannelWriter<number>;
    return startProcess(relay, { args: [reader, writer, i === 0, members, last] });
  });
  const results = await Promise.all(children.map((child) => child.result));
  expect(results.sort((a, b) => a - b)).toEqual([997, 998, 999, 1000]);
  await Promise.all(children.map((child) => child.join()));
});

describe('a writer hears of a reader that has gone', () => {
  test('in this process', async () => {
    const [rx, tx] = aiopipe();
    const [reader, messages] = channel();
    const child = startProcess(takesOne, { args: [rx, reader] });
    const writer = tx.open();
    const write = async () => {
      for (;;) await writer.write('x'.repeat(1000));
    };
    const put = async () => {
      for (;;) await messages.put('x'.repeat(1000));
    };
    const [written, sent] = await Promise.all([errorOf(write()), errorOf(put())]);
    expect([written.name, written.code]).toEqual(['BrokenPipeError', 'EPIPE']);
    expect([sent.name, sent.code]).toEqual(['BrokenPipeError', 'EPIPE']);
    writer.destroy();
    messages[Symbol.dispose]();
    expect(await child.join()).toEqual({ exitCode: 0, signalCode: null });
  });

  test('in a child', async () => {
    const [rx, tx] = aiopipe();
    const [reader, messages] = channel();
    const child = startProcess(writesUntilBroken, { args: [tx, messages] });
    using stream = rx.open();
    await stream.read(1);
    stream[Symbol.dispose]();
    await reader.get();
    reader[Symbol.dispose]();
    expect(await child.result).toEqual(['BrokenPipeError EPIPE', 'BrokenPipeError EPIPE']);
    await child.join();
  });
});
