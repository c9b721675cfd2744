import { deflateSync, inflateSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { channel, DecodeError, EncodeError, register, registerCodec } from '@aiopipe/codec';
import { errorOf, patched, readerAndTap, thrownBy, wireOf } from './helpers.js';

afterAll(leakCheck());

class Point {
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}
}
register(Point, {
  name: 'geo/Point',
  reduce: ({ x, y }): [number, number] => [x, y],
  revive: ([x, y]) => {
    if (x < 0) throw new RangeError('left of everything');
    return new Point(x, y);
  },
});

const zlibJson = {
  encode: (value: unknown) => deflateSync(JSON.stringify(value)),
  decode: (bytes: Buffer): unknown => JSON.parse(inflateSync(bytes).toString()),
};
registerCodec('zlib-json', zlibJson);

describe('the default codec', () => {
  test('takes registered classes, cycles and shared references along', async () => {
    using pair = channel<{ point: Point; same: Point; self?: unknown }>();
    const [r, w] = pair;
    const point = new Point(1, 2);
    const value: { point: Point; same: Point; self?: unknown } = { point, same: point };
    value.self = value;
    await w.put(value);
    const copy = await r.get();
    expect(copy.point).toBeInstanceOf(Point);
    expect(copy.point).toEqual(new Point(1, 2));
    expect(copy.same).toBe(copy.point);
    expect(copy.self).toBe(copy);
  });

  test('sends the keys of a kind of object once', async () => {
    const frames = await wireOf(...[1, 2, 3].map((n) => ({ aRatherLongPropertyName: n })));
    expect(frames.map((frame) => frame.includes('aRatherLongPropertyName'))).toEqual([true, false, false]);
  });
});

describe('null', () => {
  test('sends bytes as they are, and gives a Buffer', async () => {
    using pair = channel<Buffer>({ encoder: null, decoder: null });
    const [r, w] = pair;
    const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const views = [
      all,
      new Uint8Array(all.buffer, all.byteOffset + 3, 4),
      new DataView(all.buffer, all.byteOffset + 9, 2),
    ];
    for (const view of [...views, Buffer.alloc(0)]) {
      await w.put(view as Buffer);
      const copy = await r.get();
      expect(copy).toBeInstanceOf(Buffer);
      expect(copy.equals(Buffer.from(view.buffer, view.byteOffset, view.byteLength))).toBe(true);
    }
  });

  test('is a TypeError for anything else, and goes on', async () => {
    using pair = channel<unknown>({ encoder: null, decoder: null });
    const [r, w] = pair;
    for (const value of ['text', 1, null, undefined, [1], {}, new ArrayBuffer(1)]) {
      expect(await errorOf(w.put(value))).toBeInstanceOf(TypeError);
    }
    await w.put(Buffer.from('good'));
    expect(await r.get()).toEqual(Buffer.from('good'));
  });
});

describe('functions', () => {
  test('turn values into bytes and back', async () => {
    using pair = channel({ encoder: zlibJson.encode, decoder: zlibJson.decode });
    const [r, w] = pair;
    const value = { zeros: '0'.repeat(100_000) };
    await w.put(value);
    expect(await r.get()).toEqual(value);
  });

  test('may differ by direction', async () => {
    using pair = channel<Buffer, number>({
      duplex: true,
      encoder: (value: number | Buffer) => (typeof value === 'number' ? Buffer.of(value) : value),
      decoder: (bytes) => (bytes.length === 1 ? bytes[0] : bytes),
    });
    const [a, b] = pair;
    await b.put(7);
    expect(await a.get()).toBe(7);
  });

  test('that return no bytes are a TypeError that says what they returned', async () => {
    for (const [wrong, name] of [
      ['text', 'string'],
      [undefined, 'undefined'],
      [null, 'null'],
      [Promise.resolve(Buffer.of(1)), 'Promise'],
    ] as const) {
      using pair = channel({ encoder: () => wrong as never, decoder: null });
      const error = await errorOf(pair[1].put('x'));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toBe(`encoder: expected bytes (a Buffer or another view) from the function, not ${name}`);
    }
  });

  test('that throw reject that call with what they threw, and the channel goes on', async () => {
    using pair = channel<number>({
      encoder: (value: number) => {
        if (value === 1) throw new RangeError('not this one');
        return Buffer.of(value);
      },
      decoder: (bytes) => {
        if (bytes[0] === 2) throw new RangeError('nor this one');
        return bytes[0];
      },
    });
    const [r, w] = pair;
    expect(await errorOf(w.put(1))).toMatchObject({ name: 'RangeError', message: 'not this one' });
    await w.put(2);
    await w.put(3);
    const error = await errorOf(r.get());
    expect(error).toBeInstanceOf(DecodeError);
    expect(error).toMatchObject({ fatal: false, cause: { message: 'nor this one' } });
    expect(await r.get()).toBe(3);
  });

  test('that return a promise reject that call and say so, however it ends, and the channel goes on', async () => {
    for (const decode of [() => Promise.resolve(1), () => Promise.reject(new Error('unseen')), () => ({ then() {} })]) {
      using pair = channel<number>({
        encoder: (n: number) => Buffer.of(n),
        decoder: (bytes) => (bytes[0] === 1 ? decode() : bytes[0]),
      });
      const [r, w] = pair;
      await w.put(1);
      await w.put(2);
      const error = await errorOf(r.get());
      expect(error).toBeInstanceOf(DecodeError);
      expect(error).toMatchObject({ fatal: false, cause: expect.any(TypeError) as unknown });
      expect(error.message).toMatch(/the decoder failed: the decoder returned a promise/);
      expect(await r.get()).toBe(2);
    }
  });

  test('may reuse the bytes that they returned', async () => {
    const scratch = Buffer.alloc(1);
    using pair = channel<number>({ encoder: (n: number) => scratch.fill(n), decoder: (bytes) => bytes[0] });
    const [r, w] = pair;
    for (let i = 0; i < 10; i++) void w.put(i);
    for (let i = 0; i < 10; i++) expect(await r.get()).toBe(i);
  });
});

test('a registered codec is used by its name', async () => {
  using pair = channel({ encoder: 'zlib-json', decoder: 'zlib-json' });
  const [r, w] = pair;
  await w.put({ packed: [1, 2, 3] });
  expect(await r.get()).toEqual({ packed: [1, 2, 3] });
});

test('what is no encoder is a TypeError that lists what one is', () => {
  for (const encoder of [5, {}, true, 'unknown', Symbol.iterator]) {
    const error = thrownBy(() => channel({ encoder: encoder as never }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/^encoder: expected 'default', 'json', null, a function/);
    expect(thrownBy(() => channel({ decoder: encoder as never })).message).toMatch(/^decoder: expected/);
  }
});

describe('a message that cannot be sent', () => {
  test('names the path, and leaves the channel usable and the table right', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    await w.put({ known: 1 });
    const error = await errorOf(w.put({ known: 2, newShape: [{ another: 1 }, { callback: () => 1 }] }));
    expect(error).toBeInstanceOf(EncodeError);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_ENCODE', path: 'value.newShape[1].callback' });
    const next = [{ another: 2 }, { known: 3, newShape: 4 }, { known: 5 }, new Point(6, 7)];
    for (const value of next) void w.put(value);
    expect(await r.get()).toEqual({ known: 1 });
    for (const value of next) expect(await r.get()).toEqual(value);
  });

  test('between good ones of the same turn takes none of them along', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    const puts = [w.put({ a: 1 }), w.put({ b: Symbol('none') }), w.put({ b: 2 })];
    const settled = await Promise.allSettled(puts);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect([await r.get(), await r.get()]).toEqual([{ a: 1 }, { b: 2 }]);
  });

  test('after a large part of it was encoded leaves no trace', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    await errorOf(w.put(['x'.repeat(3_000_000), { late: () => 1 }]));
    await w.put({ late: 'good' });
    expect(await r.get()).toEqual({ late: 'good' });
  });
});

describe('a value that cannot be built here', () => {
  test('of an unknown class rejects only that get, and the table stays right', async () => {
    const messages = [
      { first: 1 },
      { second: new Point(1, 2), third: { fourth: 3 } },
      { fourth: 4 },
      { second: 5, third: 6 },
    ];
    const [first, second, ...rest] = (await wireOf(...messages)) as [Buffer, Buffer, ...Buffer[]];
    const { reader, tap, feed } = readerAndTap();
    feed(Buffer.concat([first, patched(second, 'geo/Point', 'geo/Paint'), ...rest]));
    const gets = messages.map(() => reader.get());
    expect(await gets[0]).toEqual(messages[0]);
    const error = await errorOf(gets[1] as Promise<unknown>);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_DECODE', fatal: false });
    expect(error.message).toContain('geo/Paint');
    expect(await Promise.all(gets.slice(2))).toEqual(messages.slice(2));
    expect(reader.isClosed).toBe(false);
    reader.close();
    tap.close();
  });

  test('because its revive throws rejects only that get', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    await w.put({ at: new Point(-1, 0) });
    await w.put({ at: new Point(1, 0) });
    expect(await errorOf(r.get())).toMatchObject({ fatal: false, cause: { message: 'left of everything' } });
    expect(await r.get()).toEqual({ at: new Point(1, 0) });
  });
});
