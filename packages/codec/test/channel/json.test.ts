import { afterAll, describe, expect, test } from 'vitest';
import { aioduplex, aiopipe } from '@aiopipe/core';
import { leakCheck, runFixture } from '@aiopipe/testing';
import { channel, DecodeError, EncodeError } from '@aiopipe/codec';
import { errorOf, frameOf, readerAndTap } from './helpers.js';

afterAll(leakCheck());

describe('json', () => {
  test('refuses handles, which have no form in it, and names the path; a text like one goes', async () => {
    using pair = channel<unknown>({ encoder: 'json', decoder: 'json' });
    const [r, w] = pair;
    const [rx, tx] = aiopipe();
    const reader = rx.open();
    const [one, other] = aioduplex();
    const duplex = one.open();
    for (const handle of [rx, tx, reader, duplex, duplex.writer, other, r, w]) {
      const error = await errorOf(w.put({ jobs: [1, { handle }] }));
      expect(error).toBeInstanceOf(EncodeError);
      expect(error.message).toBe('value.jobs[1].handle: a handle cannot be sent as JSON');
      const text = JSON.stringify(handle);
      expect(text).toMatch(/^"@aiopipe\/handle: .* made at .*json\.test\.ts/);
      await w.put({ text });
      expect(await r.get()).toEqual({ text });
    }
    await duplex.close();
    for (const end of [reader, tx, other]) end.close();
  });

  test('sends what JSON can say, as text', async () => {
    using pair = channel({ encoder: 'json', decoder: 'json' });
    const [r, w] = pair;
    for (const value of [{ a: [1, 'ü', null] }, 'text', 3, null, false, []]) {
      await w.put(value);
      expect(await r.get()).toEqual(value);
    }
  });

  const circle: { list: unknown[] } = { list: [1] };
  circle.list.push({ circle });
  class Old {
    declare method: unknown;
  }
  Object.assign(Old.prototype, { method: () => 1 });

  test.each<[value: unknown, message: string]>([
    [undefined, 'value: undefined has no form in JSON'],
    [() => 1, 'value: a function has no form in JSON'],
    [{ jobs: [1, { callback: () => 1 }] }, 'value.jobs[1].callback: a function has no form in JSON'],
    [[Symbol('s')], 'value[0]: a symbol has no form in JSON'],
    [{ a: { size: 1n } }, 'value.a.size: a BigInt has no form in JSON'],
    [{ a: NaN }, 'value.a: NaN has no form in JSON'],
    [[1, -Infinity], 'value[1]: -Infinity has no form in JSON'],
    [circle, 'value.list[1].circle: an object that holds itself cannot be sent as JSON'],
    [{ seen: new Map([[1, 2]]) }, 'value.seen: Map has no form in JSON'],
    [{ seen: new Set() }, 'value.seen: Set has no form in JSON'],
    [{ error: new TypeError('no') }, 'value.error: Error has no form in JSON'],
    [{ pattern: /x/ }, 'value.pattern: RegExp has no form in JSON'],
    [{ bytes: new Uint8Array(2) }, 'value.bytes: Uint8Array has no form in JSON'],
  ])('refuses what JSON would leave out or change, says where it is, and goes on: %o', async (value, message) => {
    using pair = channel<unknown>({ encoder: 'json', decoder: 'json' });
    const [r, w] = pair;
    const error = await errorOf(w.put(value));
    expect(error).toBeInstanceOf(EncodeError);
    expect(error.message).toBe(message);
    await w.put('good');
    expect(await r.get()).toBe('good');
  });

  test('rejects with an EncodeError if JSON.stringify() itself fails', async () => {
    using pair = channel<unknown>({ encoder: 'json', decoder: 'json' });
    const value = Object.defineProperty({}, 'a', {
      enumerable: true,
      get() {
        throw new RangeError('mine');
      },
    });
    const error = await errorOf(pair[1].put(value));
    expect(error).toBeInstanceOf(EncodeError);
    expect(error).toMatchObject({ message: 'value: JSON.stringify() failed: mine', cause: { name: 'RangeError' } });
  });

  test.each<[value: unknown, what: string]>([
    [new Date(0), 'a Date'],
    [{ bytes: Buffer.from('a') }, 'a Buffer'],
    [{ a: undefined, b: [undefined] }, 'undefined'],
    [Object.assign(new Old(), { a: 1 }), 'an instance of a class'],
    [{ toJSON: () => 'mine', callback: () => 1 }, 'what toJSON() makes of an object'],
    [Object.assign(Object.create(null) as object, { a: 1 }), 'an object without a prototype'],
  ])('sends as JSON.stringify() does: %o, %s', async (value) => {
    using pair = channel<unknown>({ encoder: 'json', decoder: 'json' });
    const [r, w] = pair;
    await w.put(value);
    expect(await r.get()).toEqual(JSON.parse(JSON.stringify(value)));
  });

  test('rejects one get for text that is no JSON, and goes on', async () => {
    const { reader, tap, feed } = readerAndTap({ decoder: 'json' });
    feed(Buffer.concat([frameOf('{oops'), frameOf(''), frameOf('1')]));
    for (let i = 0; i < 2; i++) {
      const error = await errorOf(reader.get());
      expect(error).toBeInstanceOf(DecodeError);
      expect(error).toMatchObject({
        code: 'ERR_AIOPIPE_DECODE',
        fatal: false,
        cause: expect.any(SyntaxError) as unknown,
      });
    }
    expect(await reader.get()).toBe(1);
    reader.close();
    tap.close();
  });

  // In a process of its own: functions that have run often need less of the stack.
  test('takes what is nested as deep as JSON.stringify() can go, and finds what it would lose there', async () => {
    const { stdout, stderr } = await runFixture('puts-deep-json');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      kept: 'arrived',
      lost: 'ERR_AIOPIPE_ENCODE: a function has no form in JSON',
      tooDeep: expect.stringMatching(
        /^(none|ERR_AIOPIPE_ENCODE: JSON\.stringify\(\) failed: Maximum call stack size exceeded)$/,
      ) as unknown,
    });
  });
});
