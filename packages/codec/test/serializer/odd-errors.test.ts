import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { channel, deserialize, register, registerCodec, serialize, type ChannelReader } from '@aiopipe/codec';
import { errorOf, frameOf, readerAndTap, thrownBy } from '../channel/helpers.js';

afterAll(leakCheck());

const trap = (): never => {
  throw new Error('trap');
};
const hostileError = Object.defineProperty(new Error('x'), 'message', { get: trap });

/** Values that user code may throw, or that a peer may make it throw. */
const ODD: [string, unknown][] = [
  ['null', null],
  ['undefined', undefined],
  ['a symbol', Symbol('s')],
  ['an object without a prototype', Object.create(null)],
  ['an object whose toString throws', { toString: trap, [Symbol.toPrimitive]: trap }],
  ['an error whose message throws', hostileError],
  ['an error whose message is an object', Object.assign(new Error('x'), { message: Object.create(null) as string })],
  ['an error with a long message', new Error('x'.repeat(10_000_000))],
  ['a Proxy that throws', new Proxy(new Error('x'), { get: trap, getPrototypeOf: trap, has: trap, ownKeys: trap })],
  ['a revoked Proxy', revoked()],
];

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

let thrown: unknown;
const throwIt = (): never => {
  throw thrown;
};

class Bad {
  readonly isBad = true;
}
register(Bad, { name: 'odd/Bad', reduce: () => 1, revive: throwIt });
class Worse {
  readonly isWorse = true;
}
register(Worse, { name: 'odd/Worse', reduce: () => 1, create: throwIt, revive: throwIt });
registerCodec('odd', { encode: () => Buffer.of(1), decode: throwIt });

describe.each(ODD)('%s, thrown by', (_, error) => {
  test('a revive or create is a DecodeError of that get alone', async () => {
    thrown = error;
    const { reader, tap, feed } = readerAndTap();
    for (const instance of [new Bad(), new Worse()]) {
      feed(frameOf(serialize(instance)));
      const failure = await errorOf(reader.get());
      expect(failure).toMatchObject({ code: 'ERR_AIOPIPE_DECODE', fatal: false });
      expect(failure.cause === error).toBe(true);
      expect(failure.message.length).toBeLessThan(3000);
    }
    feed(frameOf(serialize('next')));
    expect(await reader.get()).toBe('next');
    for (const end of [reader, tap]) end.close();
  });

  test.each(['odd', throwIt])('a decoder is a DecodeError of that get alone', async (decoder) => {
    thrown = error;
    const { reader, tap, feed } = readerAndTap({ decoder });
    feed(Buffer.concat([frameOf('one'), frameOf('two')]));
    for (let i = 0; i < 2; i++) expect(await errorOf(reader.get())).toMatchObject({ fatal: false });
    for (const end of [reader, tap]) end.close();
  });

  test.each<[string, (value: unknown) => never]>([
    ['now', throwIt],
    ['later', (() => Promise.reject(error as Error)) as unknown as () => never],
  ])('a schema %s is an InvalidMessageError of that get alone', async (_when, validate) => {
    thrown = error;
    using pair = channel();
    const [r, w] = pair as unknown as [ChannelReader, { put(value: unknown): Promise<void> }];
    r.validate({ '~standard': { version: 1, vendor: 'test', validate } });
    await w.put(1);
    expect(await errorOf(r.get())).toMatchObject({ code: 'ERR_AIOPIPE_INVALID_MESSAGE' });
  });

  test('a getter or a reduce is an EncodeError, and the next message is right', async () => {
    thrown = error;
    using pair = channel<unknown>();
    const [r, w] = pair;
    const value = {
      a: {
        get b() {
          return throwIt();
        },
      },
    };
    expect(await errorOf(w.put(value))).toMatchObject({ code: 'ERR_AIOPIPE_ENCODE' });
    expect(thrownBy(() => serialize(value))).toMatchObject({ code: 'ERR_AIOPIPE_ENCODE' });
    await w.put('next');
    expect(await r.get()).toBe('next');
  });
});

test('a class or kind with a long name makes no long message', () => {
  const name = 'n'.repeat(256);
  const bytes = Buffer.concat([Buffer.of(0xa1, 0x2c), serialize(name).subarray(1), Buffer.of(0x40)]);
  expect(thrownBy(() => deserialize(bytes)).message.length).toBeLessThan(400);
});
