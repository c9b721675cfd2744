import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fixture } from '@aiopipe/testing';
import { deserialize, register, serialize } from '@aiopipe/codec';
import { describe, expect, test } from 'vitest';
import { errorOf, frameOf, readerAndTap, thrownBy } from '../channel/helpers.js';

const run = promisify(execFile);

/** An array of so many values of these bytes. */
function many(hex: string, count: number): Buffer {
  const length = [(count & 127) | 128, ((count >> 7) & 127) | 128, ((count >> 14) & 127) | 128, count >> 21];
  const value = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  return Buffer.concat([Buffer.of(0xa1, 0x24, ...length), Buffer.alloc(count * value.length, value)]);
}

describe('limits.memory', () => {
  test.each<[string, string]>([
    ['Map', '26 00'],
    ['Set', '27 00'],
    ['object', '20 00'],
    ['object without a prototype', '21 00'],
    ['array', 'b0'],
    ['array of holes', '25 40 00'],
    ['short array of numbers', '1b 00 00'],
    ['Date', '13 0000000000000000'],
    ['RegExp', '14 80 80 40'],
    ['URL', '15 84 613a2f62'],
    ['URLSearchParams', '16 80'],
    ['ArrayBuffer', '17 00'],
    ['resizable ArrayBuffer', '18 00 00'],
    ['Buffer', '19 00'],
    ['boxed number', '28 40'],
    ['error', '29 00 00 00'],
    ['DOMException', '2a 00 00 80 80'],
    ['view', '2b 01 00 00 17 00'],
    ['short string', '82 61 62'],
  ])('counts an empty %s at about what it takes', (_, hex) => {
    const bytes = many(hex, 20_000);
    const { heapUsed, external } = process.memoryUsage();
    const value = deserialize(bytes, { limits: { memory: Infinity } }) as unknown[];
    const after = process.memoryUsage();
    expect(value).toHaveLength(20_000);
    // Garbage of the decoding may be among it, and a collection may have come: it is the order of magnitude that counts.
    const taken = after.heapUsed + after.external - heapUsed - external;
    expect(() => deserialize(bytes, { limits: { memory: Math.max(taken, 0) / 8 } })).toThrow(/bytes of memory/);
    expect(() => deserialize(bytes, { limits: { memory: 20_000 * 500 } })).not.toThrow();
  });

  test('leaves ordinary values alone: an estimate of their heap, not of what ArrayBuffers hold', () => {
    const limits = { memory: 100_000 };
    expect(() => deserialize(serialize(Buffer.alloc(1_000_000)), { limits })).not.toThrow();
    expect(() => deserialize(serialize(Array(10_000).fill(7)), { limits })).not.toThrow();
    expect(() => deserialize(serialize('x'.repeat(90_000)), { limits })).not.toThrow();
    expect(() => deserialize(serialize('x'.repeat(110_000)), { limits })).toThrow(/limits\.memory/);
  });

  test('breaks a channel whose message is over it', async () => {
    const { reader, tap, feed } = readerAndTap({ limits: { memory: 30e6 } });
    feed(frameOf(many('26 00', 100_000)));
    expect(await reader.get()).toHaveLength(100_000);
    feed(frameOf(many('26 00', 200_000)));
    expect(await errorOf(reader.get())).toMatchObject({ code: 'ERR_AIOPIPE_DECODE', fatal: true });
    expect(reader.isClosed).toBe(true);
    tap.close();
  });

  test('is half of the heap by default: a message that would end the process is a DecodeError', async () => {
    const { stdout } = await run(process.execPath, ['--max-old-space-size=200', fixture('is-sent-empty-maps')]);
    expect(stdout).toBe('ERR_AIOPIPE_DECODE');
  });
});

describe('what a decoder keeps for good has a bound', () => {
  const keys = (prefix: string, count: number): symbol[] =>
    Array.from({ length: count }, (_, i) => Symbol.for(`${prefix}/${String(i)}`));

  test('symbols that are new to this thread: of a channel, however many messages they come in', async () => {
    const { reader, tap, feed } = readerAndTap({ limits: { symbols: 5 } });
    feed(frameOf(serialize(keys('channel', 3))));
    expect(await reader.get()).toEqual(keys('channel', 3));
    feed(frameOf(serialize(keys('channel', 5))));
    expect(await reader.get()).toEqual(keys('channel', 5));
    feed(frameOf(serialize(keys('channel', 6))));
    expect(await errorOf(reader.get())).toMatchObject({
      fatal: true,
      message: expect.stringContaining('more new symbols than the limit of 5 (limits.symbols)') as string,
    });
    tap.close();
  });

  test('symbols of one call of deserialize, without any limits', () => {
    expect(deserialize(serialize(keys('one', 1000)))).toEqual(keys('one', 1000));
    expect(() => deserialize(serialize(keys('other', 1001)))).toThrow(/more new symbols than the limit of 1000/);
    expect(deserialize(serialize(keys('third', 10)))).toEqual(keys('third', 10));
  });

  test('the key of a symbol: at the sender already, with the path to it', () => {
    expect(() => serialize({ list: [Symbol.for('k'.repeat(1025))] })).toThrow(/^value\.list\[0\]: a symbol whose key/);
    const bytes = Buffer.concat([Buffer.of(0xa1, 0x11), serialize('k'.repeat(1025)).subarray(1)]);
    expect(() => deserialize(bytes)).toThrow(/more than 1024 characters/);
  });

  test('the name of a class', () => {
    class Named {
      readonly is = 1;
    }
    const name = 'n'.repeat(257);
    expect(() => {
      register(Named, { name, reduce: () => 1, revive: () => new Named() });
    }).toThrow(/at most 256 characters/);
    const bytes = Buffer.concat([Buffer.of(0xa1, 0x2c), serialize(name).subarray(1), Buffer.of(0x40)]);
    expect(() => deserialize(bytes)).toThrow(/the name of a class is too long/);
  });

  test('the keys of a shape: objects with longer ones are sent with their keys', () => {
    const object = { [`k${'x'.repeat(5000)}`]: 1, other: 2 };
    const bytes = serialize([object, object, { ...object }]);
    expect(bytes[2]).toBe(0x20);
    expect(deserialize(bytes)).toEqual([object, object, object]);
    const wide = Object.fromEntries(
      Array.from({ length: 128 }, (_, i) => [
        `${'漢'.repeat(31)}${String(i % 10)}${String.fromCharCode(i + 300)}`.slice(0, 33),
        i,
      ]),
    );
    expect(deserialize(serialize(wide))).toEqual(wide);
    const long = serialize('x'.repeat(20_000)).subarray(1);
    const definition = Buffer.concat([Buffer.of(1), long]);
    const size = Buffer.of(
      (definition.length & 127) | 128,
      ((definition.length >> 7) & 127) | 128,
      definition.length >> 14,
    );
    expect(() => deserialize(Buffer.concat([Buffer.of(0xa1, 0x22), size, definition, Buffer.of(0x40)]))).toThrow(
      /the definition of a shape is too long/,
    );
  });
});

test('a message of many instances of unknown classes makes one error, not one for each', () => {
  const bytes = many('2c 81 3f 40', 300_000);
  const start = process.cpuUsage();
  expect(thrownBy(() => deserialize(bytes))).toMatchObject({ fatal: false });
  // An error with its stack takes 5 microseconds or more: 1.5 s for all of them.
  expect(process.cpuUsage(start).user).toBeLessThan(1_000_000);
});
