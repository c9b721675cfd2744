import { fdsSince, leakCheck, openFds } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { aiopipe, ClosedError, type ReadEnd } from '@aiopipe/core';
import { channel, DecodeError, EncodeError, InvalidMessageError, merge, register } from '@aiopipe/codec';
import { errorOf } from './helpers.js';

afterAll(leakCheck());

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function refuse(): never {
  throw new Error('a trap');
}

/** Values that are hard to show, to ask or to pass on. */
const ODD: [name: string, value: unknown][] = [
  ['null', null],
  ['undefined', undefined],
  ['a symbol', Symbol('odd')],
  ['a revoked Proxy', revoked()],
  ['a Proxy whose traps throw', new Proxy(new Error('odd'), { get: refuse, getPrototypeOf: refuse, has: refuse })],
  ['an object without a prototype', Object.create(null)],
  ['an object whose then throws', Object.defineProperty({}, 'then', { get: refuse })],
  ['an object whose toString throws', { toString: refuse, [Symbol.toPrimitive]: refuse }],
];

function schemaOf(validate: (value: unknown) => unknown) {
  return { '~standard': { version: 1, vendor: 'odd', validate: validate as () => { value: unknown } } } as const;
}

describe.each(ODD)('a channel goes on after', (name, odd) => {
  test(`an encoder that throws ${name}`, async () => {
    let isOdd = true;
    using pair = channel<number>({
      encoder: (n: number) => {
        if (isOdd) throw odd as Error;
        return Buffer.of(n);
      },
      decoder: null,
    });
    const [r, w] = pair;
    const error = await errorOf(w.put(1));
    expect(error).toBeInstanceOf(EncodeError);
    expect(error.cause === odd).toBe(true);
    isOdd = false;
    await w.put(7);
    expect(await r.get()).toEqual(Buffer.of(7));
  });

  test(`an encoder that returns ${name}`, async () => {
    let isOdd = true;
    using pair = channel<number>({
      encoder: (n: number) => (isOdd ? (odd as Buffer) : Buffer.of(n)),
      decoder: null,
    });
    const [r, w] = pair;
    expect((await errorOf(w.put(1))).message).toMatch(/^encoder: expected bytes .* from the function, not /);
    isOdd = false;
    await w.put(7);
    expect(await r.get()).toEqual(Buffer.of(7));
  });

  test(`a decoder that throws ${name}`, async () => {
    using pair = channel<number>({
      encoder: (n: number) => Buffer.of(n),
      decoder: (bytes) => {
        if (bytes[0] === 1) throw odd as Error;
        return bytes[0];
      },
    });
    const [r, w] = pair;
    await w.put(1);
    await w.put(2);
    const error = await errorOf(r.get());
    expect(error).toBeInstanceOf(DecodeError);
    expect(error.cause === odd).toBe(true);
    expect(await r.get()).toBe(2);
  });

  test(`a schema that throws ${name}, or rejects with it`, async () => {
    using pair = channel<number>();
    const [r, w] = pair;
    const checked = r.validate(
      schemaOf((value) => {
        if (value === 1) throw odd as Error;
        return value === 2 ? { then: (_: unknown, reject: (reason: unknown) => void) => reject(odd) } : { value };
      }),
    );
    for (const n of [1, 2, 3]) await w.put(n);
    for (let i = 0; i < 2; i++) {
      const error = await errorOf(checked.get());
      expect(error).toBeInstanceOf(InvalidMessageError);
      expect(error.cause === odd).toBe(true);
    }
    expect(await checked.get()).toBe(3);
  });

  test(`a schema that returns ${name}, or issues of it`, async () => {
    using pair = channel<number>();
    const [r, w] = pair;
    const results = [odd, { issues: odd ?? null }, { issues: [odd] }];
    const checked = r.validate(schemaOf((value) => (value === 3 ? { value } : results[value as number])));
    for (const n of [0, 1, 2, 3]) await w.put(n);
    for (let i = 0; i < 3; i++) expect(await errorOf(checked.get())).toBeInstanceOf(InvalidMessageError);
    expect(await checked.get()).toBe(3);
  });
});

describe('a schema', () => {
  test('that returns no result, or a result without a value, rejects that get', async () => {
    using pair = channel<number>();
    const [r, w] = pair;
    const results = [true, 'fine', {}, { issues: undefined }, { value: 3 }];
    const checked = r.validate(schemaOf((value) => results[value as number]));
    for (let i = 0; i < 5; i++) await w.put(i);
    for (let i = 0; i < 4; i++) {
      const error = await errorOf(checked.get());
      expect(error).toBeInstanceOf(InvalidMessageError);
      expect(error.message).toMatch(
        /the schema failed on a message: expected \{ value \} or \{ issues \} from it, not /,
      );
    }
    expect(await checked.get()).toBe(3);
  });

  test('that never settles lets a get time out and be aborted, and the channel close', async () => {
    const before = openFds();
    const [r, w] = channel<ReadEnd>();
    const [rx, tx] = aiopipe();
    const checked = r.validate(schemaOf(() => new Promise(() => undefined)));
    await w.put(rx);
    expect(await errorOf(checked.get({ timeout: 5 }))).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    expect(await errorOf(checked.get({ signal: AbortSignal.timeout(5) }))).toMatchObject({ code: 'ABORT_ERR' });
    const get = checked.get();
    r[Symbol.dispose]();
    expect(await errorOf(get)).toBeInstanceOf(ClosedError);
    w.close();
    tx.close();
    expect(fdsSince(before)).toEqual([]);
  });

  test('whose value calls back twice, throws late or cannot be awaited settles one get each', async () => {
    using pair = channel<number>();
    const [r, w] = pair;
    let asked = 0;
    const values = [
      {
        then(resolve: (value: unknown) => void, reject: (reason: unknown) => void) {
          resolve('first');
          resolve('second');
          reject(new Error('third'));
          throw new Error('late');
        },
      },
      {
        get then() {
          if (asked++ > 0) throw new Error('asked again');
          return () => undefined;
        },
      },
      revoked(),
      'plain',
    ];
    const checked = r.validate(schemaOf((value) => ({ value: values[value as number] })));
    for (let i = 0; i < 4; i++) await w.put(i);
    expect(await checked.get()).toBe('first');
    for (let i = 0; i < 2; i++) expect(await errorOf(checked.get())).toBeInstanceOf(InvalidMessageError);
    expect(await checked.get()).toBe('plain');
  });
});

describe("a message's own code that disposes of its channel", () => {
  class Door {
    constructor(readonly act: () => void) {}
  }
  let onSend = (): void => undefined;
  let onArrival = (): void => undefined;
  register(Door, {
    name: 'odd-code/Door',
    reduce: () => {
      onSend();
      return 0;
    },
    revive: () => {
      onArrival();
      return new Door(() => undefined);
    },
  });

  test('in an encoder: put rejects, and the peer hears of the end', async () => {
    const [r, w] = channel<number>({
      encoder: () => {
        w[Symbol.dispose]();
        return Buffer.of(1);
      },
    });
    expect(await errorOf(w.put(1))).toBeInstanceOf(ClosedError);
    expect(await errorOf(r.get())).toMatchObject({ code: 'ERR_AIOPIPE_END_OF_STREAM' });
    r.close();
  });

  test('in a reduce: put rejects, and no handle of the message has moved', async () => {
    const [r, w] = channel<unknown>();
    const [rx, tx] = aiopipe();
    onSend = () => {
      w[Symbol.dispose]();
    };
    expect(await errorOf(w.put([rx, new Door(() => undefined)]))).toBeInstanceOf(ClosedError);
    expect(rx.state).toBe('owned');
    for (const end of [r, rx, tx]) end.close();
    onSend = () => undefined;
  });

  test('in a decoder: the get that was served at once has its message, and later ones reject', async () => {
    const [r, w] = channel<number>({
      decoder: () => {
        r[Symbol.dispose]();
        return 7;
      },
    });
    await w.put(1);
    expect(await r.get()).toBe(7);
    expect(await errorOf(r.get())).toBeInstanceOf(ClosedError);
    w[Symbol.dispose]();
  });

  test.each(['get', 'merge'])(
    'in a revive, while a %s waits: it rejects, and the handles of the message are closed',
    async (how) => {
      const before = openFds();
      const [r, w] = channel<unknown>();
      onArrival = () => {
        r[Symbol.dispose]();
      };
      const wait = how === 'get' ? r.get() : merge([r]).next();
      const [rx, tx] = aiopipe();
      await w.put([rx, new Door(() => undefined)]);
      expect(await errorOf(wait)).toBeInstanceOf(ClosedError);
      tx.close();
      w[Symbol.dispose]();
      expect(fdsSince(before)).toEqual([]);
      onArrival = () => undefined;
    },
  );

  test('in a schema, at once or later, while a get waits: it rejects, and the handles are closed', async () => {
    for (const isLate of [false, true]) {
      const before = openFds();
      const [r, w] = channel<unknown>();
      const dispose = (value: unknown) => {
        r[Symbol.dispose]();
        return { value };
      };
      const checked = r.validate(schemaOf((value) => (isLate ? Promise.resolve(value).then(dispose) : dispose(value))));
      const get = checked.get();
      const [rx, tx] = aiopipe();
      await w.put(rx);
      expect(await errorOf(get)).toBeInstanceOf(ClosedError);
      tx.close();
      w[Symbol.dispose]();
      expect(fdsSince(before)).toEqual([]);
    }
  });

  test('by close() is a BusyError inside of that code, and the channel goes on', async () => {
    using pair = channel<number>({
      decoder: (bytes) => {
        if (bytes[0] === 1) pair[0].close();
        return bytes[0];
      },
      encoder: (n: number) => Buffer.of(n),
    });
    const [r, w] = pair;
    await w.put(1);
    await w.put(2);
    expect(await errorOf(r.get())).toMatchObject({ code: 'ERR_AIOPIPE_DECODE', cause: { code: 'ERR_AIOPIPE_BUSY' } });
    expect(await r.get()).toBe(2);
  });
});

test('a getter of the options that throws rejects put() and get()', async () => {
  using pair = channel<number>();
  const [r, w] = pair;
  const failure = new Error('no');
  const options = {
    get timeout(): number {
      throw failure;
    },
  };
  const calls = [w.put(1, options), r.get(options)];
  for (const call of calls) expect(await errorOf(call)).toBe(failure);
});
