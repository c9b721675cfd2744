import {
  Channel,
  channel,
  ChannelReader,
  ChannelWriter,
  deserialize,
  FrameDecoder,
  FrameEncoder,
  merge,
  register,
  registerCodec,
  serialize,
} from '@aiopipe/codec';
import { aioduplex, aiopipe } from '@aiopipe/core';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { errorOf } from './channel/helpers.js';

afterAll(leakCheck());

type Misspelt = Record<string, unknown>;

async function withChannel<T>(use: (one: Channel, other: Channel) => T): Promise<Awaited<T>> {
  using pair = channel({ duplex: true });
  return await use(pair[0], pair[1]);
}

async function withEnd<T>(use: (end: ReturnType<typeof aioduplex>[0]) => T): Promise<Awaited<T>> {
  const [one, other] = aioduplex();
  try {
    return await use(one);
  } finally {
    expect(one.state).toBe('owned');
    one.close();
    other.close();
  }
}

class Point {
  x = 0;
}

describe('A misspelt option is a TypeError that names what was meant', () => {
  test.each<[call: string, options: Misspelt, message: string, run: (options: never) => unknown]>([
    ['channel', { encodr: 'json' }, 'encodr: unknown option; did you mean encoder?', channel],
    ['channel', { Duplex: true }, 'Duplex: unknown option; did you mean duplex?', channel],
    ['channel', { max_frame_length: 1 }, 'max_frame_length: unknown option; did you mean maxFrameLength?', channel],
    ['channel', { limits: { nods: 1 } }, 'limits.nods: unknown option; did you mean nodes?', channel],
    [
      'Channel.from',
      { queuelimit: 1 },
      'queuelimit: unknown option; did you mean queueLimit?',
      (options) => withEnd((end) => Channel.from(end, options)),
    ],
    [
      'ChannelReader.from',
      { decodr: 'json' },
      'decodr: unknown option; did you mean decoder?',
      (options) => withEnd((end) => ChannelReader.from(end, options)),
    ],
    [
      'ChannelWriter.from',
      { spinn: 1 },
      'spinn: unknown option; did you mean spin?',
      (options) => withEnd((end) => ChannelWriter.from(end, options)),
    ],
    ['get', { timout: 1 }, 'timout: unknown option; did you mean timeout?', (o) => withChannel((one) => one.get(o))],
    ['put', { singal: 1 }, 'singal: unknown option; did you mean signal?', (o) => withChannel((one) => one.put(1, o))],
    ['drain', { timeOut: 1 }, 'timeOut: unknown option; did you mean timeout?', (o) => withChannel((c) => c.drain(o))],
    [
      'merge',
      { sgnal: 1 },
      'sgnal: unknown option; did you mean signal?',
      (o) => withChannel((one) => merge([one], o)),
    ],
    ['merge', { timeout: 1 }, 'timeout: unknown option; expected signal', (o) => withChannel((one) => merge([one], o))],
    ['deserialize', { limit: {} }, 'limit: unknown option; did you mean limits?', (o) => deserialize(serialize(1), o)],
    [
      'deserialize',
      { limits: { Depth: 1 } },
      'limits.Depth: unknown option; did you mean depth?',
      (options) => deserialize(serialize(1), options),
    ],
    [
      'FrameEncoder',
      { maxFrameLenght: 1 },
      'maxFrameLenght: unknown option; did you mean maxFrameLength?',
      (options) => new FrameEncoder(options),
    ],
    [
      'FrameDecoder',
      { maxframelength: 1 },
      'maxframelength: unknown option; did you mean maxFrameLength?',
      (options) => new FrameDecoder(options),
    ],
    [
      'register',
      { name: 'options/Point', reduce: () => 1, revive: () => new Point(), crate: () => new Point() },
      'registration.crate: unknown option; did you mean create?',
      (options) => {
        register(Point, options);
      },
    ],
    [
      'registerCodec',
      { encode: () => Buffer.alloc(0), decod: () => 1 },
      'codec.decod: unknown option; did you mean decode?',
      (options) => {
        registerCodec('options-codec', options);
      },
    ],
  ])('%s %o', async (_call, options, message, run) => {
    const error = await errorOf((async () => run(options as never))());
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe(message);
  });

  test('a codec that has more than it must is one', () => {
    registerCodec('options-more', { encode: () => Buffer.alloc(0), decode: () => 1, pack: 1 } as never);
    using pair = channel({ encoder: 'options-more', decoder: 'options-more' });
    expect(pair.length).toBe(2);
  });

  test.each([[null], [5], ['json'], [[]], [true]])('options are an object, not %o', async (options) => {
    for (const run of [
      () => channel(options as never),
      () => withEnd((end) => Channel.from(end, options as never)),
      () => withChannel((one) => one.get(options as never)),
      () => withChannel((one) => one.put(1, options as never)),
      () => withChannel((one) => merge([one], options as never)),
      () => deserialize(serialize(1), options as never),
      () => new FrameDecoder(options as never),
    ]) {
      const error = await errorOf((async () => run())());
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(/^options: expected an object/);
    }
  });
});

describe('A timeout', () => {
  test.each([2 ** 31, 2 ** 40, Infinity])('of %d ms waits', async (timeout) => {
    const [one, other] = channel<number>({ duplex: true });
    const message = one.get({ timeout });
    await new Promise((resolve) => setTimeout(resolve, 5)); // longer than a timer waits whose time is too long for it
    await other.put(1, { timeout });
    expect(await message).toBe(1);
    one.close();
    other.close();
  });

  test.each([[NaN], [-1], ['100'], [null]])('of %o is a TypeError that shows it', async (timeout) => {
    await withChannel(async (one) => {
      const options = { timeout: timeout as number };
      for (const call of [one.get(options), one.put(1, options), one.drain(options)]) {
        const error = await errorOf(call);
        expect(error).toBeInstanceOf(TypeError);
        expect(error.message).toMatch(typeof timeout === 'string' ? /not '100'$/ : /^timeout: expected milliseconds/);
      }
    });
  });
});

describe('The error of a wait that was given up', () => {
  async function theCaller(wait: () => Promise<unknown>): Promise<unknown> {
    return await wait();
  }

  test.each<[string, (reader: Channel, writer: Channel, options: object) => Promise<unknown>]>([
    ['get', (reader, _, options) => reader.get(options)],
    ['drain', (_, writer, options) => writer.drain(options)],
    ['put', (_, writer, options) => writer.put(2, options)],
  ])('of %s has the line that waits in its stack, and names the channel', async (_call, wait) => {
    await withChannel(async (reader, writer) => {
      void writer.put(Buffer.alloc(16 << 20)).catch(() => undefined); // the pipe is full
      for (const options of [{ timeout: 1 }, { signal: AbortSignal.timeout(1) }, { signal: AbortSignal.abort() }]) {
        const error = await errorOf(theCaller(() => wait(reader, writer, options)));
        expect(error.message).toMatch(/^channel end made at .*: (no message came|the message could not be written)/);
        expect(error.stack).toContain('theCaller');
      }
    });
  });

  test('of merge names the channels', async () => {
    await withChannel(async (one, other) => {
      for (const signal of [AbortSignal.abort(), AbortSignal.timeout(1)]) {
        const error = await errorOf(theCaller(() => merge([one, other], { signal }).next()));
        expect(error.code).toBe('ABORT_ERR');
        expect(error.message).toMatch(/^merge of channel end made at .*, channel end .*: no message came/);
        expect(error.stack).toContain('theCaller');
      }
    });
  });
});

describe('What is no end or channel is a TypeError that says what is taken', () => {
  const foreign = [undefined, null, 3, 'end', {}, [], process.stdin, new URL('file:///x'), { [Symbol.iterator]: 1 }];

  test.each(foreign.map((value) => [value]))('%o', (value) => {
    expect(() => Channel.from(value as never)).toThrow(/^Channel.from: expected a DuplexEnd, not /);
    expect(() => ChannelReader.from(value as never)).toThrow(
      /^ChannelReader.from: expected a ReadEnd or a DuplexEnd, not/,
    );
    expect(() => ChannelWriter.from(value as never)).toThrow(/^ChannelWriter.from: expected a WriteEnd or a DuplexEnd/);
    expect(() => merge([value as never])).toThrow(
      /^merge: channels\[0\]: expected a ChannelReader or a duplex Channel, /,
    );
  });

  test('a handle of another kind, which stays as it is', async () => {
    const [rx, tx] = aiopipe();
    await using reader = rx.open();
    expect(() => ChannelReader.from(reader as never)).toThrow(/^ChannelReader.from: expected a ReadEnd or a DuplexEnd/);
    await using writer = tx.open();
    await writer.write('x');
    expect((await reader.read(1)).toString()).toBe('x');
  });
});

test('a channel of another copy of this package is merged', async () => {
  const copy = (await import(`${new URL('../dist/internal.js', import.meta.url).href}?copy`)) as {
    Channel: typeof Channel;
    channel: typeof channel;
  };
  expect(copy.Channel).not.toBe(Channel);
  using theirs = copy.channel<number>();
  using ours = channel<number>();
  await theirs[1].put(1);
  await ours[1].put(2);
  const messages = merge([theirs[0] as unknown as ChannelReader<number>, ours[0]]);
  expect(new Set([(await messages.next()).value, (await messages.next()).value])).toEqual(new Set([1, 2]));
  const [one, other] = aioduplex();
  using channelOfTheirs = copy.Channel.from<number>(one);
  using channelOfOurs = Channel.from<unknown, number>(other);
  await channelOfTheirs.put(3);
  expect(await channelOfOurs.get()).toBe(3);
});
