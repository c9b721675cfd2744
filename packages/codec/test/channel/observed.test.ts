import { channel, type ChannelMessage } from '@aiopipe/codec';
import { leakCheck, observe } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';

afterAll(leakCheck());

const names = ['aiopipe:channel.open', 'aiopipe:channel.close'];

describe('aiopipe:channel.open and aiopipe:channel.close', () => {
  test('tell of both ends of a pair, however they end', () => {
    using observed = observe<ChannelMessage>(names);
    const [reader, writer] = channel();
    expect(observed.published.map(({ message }) => message.channel)).toEqual([reader, writer]);
    expect(observed.published[0]?.message.name).toMatch(/^channel reader made at .*observed\.test\.ts:\d+:\d+$/);
    writer.close();
    reader[Symbol.dispose]();
    expect(observed.events()).toEqual(['channel.open', 'channel.open', 'channel.close', 'channel.close']);
    expect(observed.published.slice(2).map(({ message }) => message.channel)).toEqual([writer, reader]);
  });

  test('tell of a move as of an end here and a beginning there', async () => {
    using outer = channel<unknown>();
    using observed = observe<ChannelMessage>(names);
    const [reader, writer] = channel();
    await outer[1].put(reader);
    const moved = (await outer[0].get()) as typeof reader;
    expect(observed.events().slice(2)).toEqual(['channel.close', 'channel.open']);
    expect(observed.published[3]?.message.channel).toBe(moved);
    moved.close();
    writer.close();
  });
});

describe('stats', () => {
  test('count messages and bytes of both directions, and what waits', async () => {
    using pair = channel<string, number>({ duplex: true, encoder: 'json', decoder: 'json' });
    const [here, there] = pair;
    const none = {
      messagesSent: 0,
      bytesSent: 0,
      bytesWaiting: 0,
      messagesReceived: 0,
      bytesReceived: 0,
      getsWaiting: 0,
    };
    expect(here.stats).toEqual(none);
    const waiting = there.get();
    expect(there.stats).toEqual({ ...none, getsWaiting: 1 });
    void here.put('abc');
    expect(here.stats).toEqual({ ...none, messagesSent: 1, bytesWaiting: 9 });
    await waiting;
    await there.put(12);
    await here.get();
    expect(here.stats).toEqual({ ...none, messagesSent: 1, bytesSent: 9, messagesReceived: 1, bytesReceived: 6 });
    expect(there.stats).toEqual({ ...none, messagesSent: 1, bytesSent: 6, messagesReceived: 1, bytesReceived: 9 });
  });
});
