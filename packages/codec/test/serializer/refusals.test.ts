import { runInNewContext } from 'node:vm';
import { EncodeError, serialize } from '@aiopipe/codec';
import { AiopipeError } from '@aiopipe/core';
import { describe, expect, test } from 'vitest';

function refusal(value: unknown): EncodeError {
  try {
    serialize(value);
  } catch (error) {
    expect(error).toBeInstanceOf(EncodeError);
    return error as EncodeError;
  }
  throw new Error('it was encoded');
}

class Unregistered {
  x = 1;
}

describe('what cannot be sent', () => {
  test.each<[string, unknown, string]>([
    ['a function', () => 1, 'a function cannot be sent'],
    ['a class', Unregistered, 'a function cannot be sent'],
    [
      'a symbol',
      Symbol('local'),
      'Symbol(local) cannot be sent: only symbols made with Symbol.for() exist in other processes',
    ],
    ['a WeakMap', new WeakMap(), 'a WeakMap cannot be sent'],
    ['a WeakSet', new WeakSet(), 'a WeakSet cannot be sent'],
    ['a WeakRef', new WeakRef({}), 'a WeakRef cannot be sent'],
    ['a Promise', Promise.resolve(), 'a Promise cannot be sent; await it first'],
    [
      'a SharedArrayBuffer',
      new SharedArrayBuffer(8),
      'a SharedArrayBuffer cannot be sent; use SharedMemory of @aiopipe/core',
    ],
    [
      'a view of one',
      new Uint8Array(new SharedArrayBuffer(8)),
      'a view of a SharedArrayBuffer cannot be sent; use SharedMemory of @aiopipe/core',
    ],
    [
      'an instance',
      new Unregistered(),
      'an instance of Unregistered cannot be sent: its class is not registered; call register() for it on both sides, or send a plain object',
    ],
    [
      'an array subclass',
      new (class List extends Array {})(),
      'an instance of List cannot be sent: its class is not registered; call register() for it on both sides, or send a plain object',
    ],
    [
      'a Blob',
      new Blob([]),
      'an instance of Blob cannot be sent: its class is not registered; call register() for it on both sides, or send a plain object',
    ],
    [
      'an AbortSignal',
      new AbortController().signal,
      'an instance of AbortSignal cannot be sent: its class is not registered; call register() for it on both sides, or send a plain object',
    ],
    [
      'an object with another object as prototype',
      Object.create({ a: 1 }),
      'an object whose prototype is another object cannot be sent',
    ],
    ['a generator', (function* () {})(), 'an object whose prototype is another object cannot be sent'],
    ['what only looks like a Map', Object.create(Map.prototype), 'an object that only looks like a Map cannot be sent'],
    ['a Proxy of a Map', new Proxy(new Map(), {}), 'an object that only looks like a Map cannot be sent'],
  ])('%s', (_, value, reason) => {
    const error = refusal({ jobs: [1, 2, 3, { callback: value }] });
    expect(error.message).toBe(`value.jobs[3].callback: ${reason}`);
    expect(error.path).toBe('value.jobs[3].callback');
    expect(error.code).toBe('ERR_AIOPIPE_ENCODE');
    expect(error.name).toBe('EncodeError');
    expect(error).toBeInstanceOf(AiopipeError);
  });

  test('a detached ArrayBuffer', () => {
    const buffer = new ArrayBuffer(8);
    structuredClone(buffer, { transfer: [buffer] });
    expect(refusal({ buffer }).message).toBe(
      'value.buffer: a detached ArrayBuffer cannot be sent: its memory has moved',
    );
  });

  test('a handle, if no channel carries it', () => {
    class End {
      [Symbol.for('@aiopipe/handle')](): void {}
    }
    expect(refusal([new End()]).message).toMatch(
      /^value\[0\]: serialize\(\) cannot move a handle: put it into a message of a channel/,
    );
  });

  test('nesting without end', () => {
    let value: unknown = 1;
    for (let i = 0; i < 1_000_001; i++) value = [value];
    expect(refusal(value).message).toMatch(/\[0\]…\(999968 more\)….*values nested deeper than 1000000 levels/);
  });
});

describe('the path', () => {
  const bad = Symbol('bad');

  test.each<[string, unknown]>([
    ['value', bad],
    ['value[0][1]', [[0, bad]]],
    ['value["a key"]["0"].π', { 'a key': { 0: { π: bad } } }],
    ['value.get("k")', new Map([['k', bad]])],
    ['value.get(7n)', new Map([[7n, bad]])],
    [
      'value.keys()[1]',
      new Map<unknown, number>([
        ['k', 1],
        [bad, 2],
      ]),
    ],
    ['value.values()[0]', new Map([[{}, bad]])],
    ['value.set.values()[2].x', { set: new Set([1, 2, { x: bad }]) }],
    ['value.cause.errors[0]', new Error('x', { cause: new AggregateError([bad]) })],
    ['value.code', Object.assign(new Error('x'), { code: bad })],
    ['value.extra', Object.assign(new Date(), { extra: bad })],
    ['value[1].note', [0, Object.assign([1], { note: bad })]],
    ['value.a.b', Object.assign(Object.create(null) as object, { a: { b: bad } })],
  ])('%s', (path, value) => {
    expect(refusal(value).path).toBe(path);
  });

  test('of a value far down, in brief', () => {
    let value: unknown = { bad };
    for (let i = 0; i < 50_000; i++) value = { next: value };
    const { path } = refusal(value);
    expect(path).toMatch(/^value(\.next){16}…\(49969 more\)…(\.next){15}\.bad$/);
  });

  test('of a getter that throws, with its error as the cause', () => {
    const cause = new RangeError('boo');
    const error = refusal({
      list: [
        {
          get broken() {
            throw cause;
          },
        },
      ],
    });
    expect(error.message).toBe('value.list[0].broken: cannot be read: boo');
    expect(error.cause).toBe(cause);
  });

  test('of a revoked Proxy', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(refusal({ proxy }).path).toBe('value.proxy');
  });
});

test('an object that changes while it is read is refused, not sent half', () => {
  const value: Record<string, unknown> = {
    get first() {
      delete value['last'];
      return 1;
    },
    last: 2,
  };
  expect(refusal(value).message).toMatch(/changed it while it was encoded/);
  const list: unknown[] = [
    {
      get shrink() {
        list.length = 1;
        return 1;
      },
    },
    2,
  ];
  expect(refusal(list).message).toMatch(/changed it while it was encoded/);
  const elsewhere = runInNewContext('[0, 1]') as unknown[];
  elsewhere[0] = { last: Object.defineProperty({}, 'a', { enumerable: true, get: () => elsewhere.push(2) }) };
  expect(refusal(elsewhere).message).toMatch(/changed it while it was encoded/);
  let reads = 0;
  const numbers = Object.defineProperty(Array<number>(20).fill(1), 3, { enumerable: true, get: () => 100 ** ++reads });
  expect(refusal(numbers).message).toMatch(/changed it while it was encoded/);
});

test.each([
  ['shrinks', (list: unknown[]) => list.splice(1).length],
  ['grows', (list: unknown[]) => list.push(3)],
])('so is an array far down that %s', (_, change) => {
  const list: unknown[] = [0, 1, 2];
  list[0] = Object.defineProperty({}, 'first', { enumerable: true, get: () => change(list) });
  let value: unknown = list;
  for (let i = 0; i < 300; i++) value = [value];
  expect(refusal(value).message).toMatch(/changed it while it was encoded/);
});

test('after a refusal the next call is as good as any', () => {
  for (let i = 0; i < 100; i++) {
    refusal({ fine: [1, { a: 1 }], bad: () => 1 });
    expect(serialize({ fine: 1 })).toEqual(serialize({ fine: 1 }));
  }
});
