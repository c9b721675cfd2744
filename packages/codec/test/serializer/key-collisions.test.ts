import { describe, expect, test } from 'vitest';
import { deserialize, serialize } from '@aiopipe/codec';
import { thrownBy } from '@aiopipe/testing';

/** The inverse of V8's hash of an integer (`ComputeUnseededHash`): a key with that hash. */
function keyWithHash(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, inverse(2057)) >>> 0;
  for (let i = 0, start = h; i < 8; i++) h = (start ^ (h >>> 4)) >>> 0;
  h = Math.imul(h, inverse(5)) >>> 0;
  for (let i = 0, start = h; i < 3; i++) h = (start ^ (h >>> 12)) >>> 0;
  return Math.imul(h + 1, inverse(32767)) | 0;
}

/** Modulo 2 ** 32. */
function inverse(odd: number): number {
  let x = 1;
  for (let i = 0; i < 6; i++) x = Math.imul(x, 2 - Math.imul(odd, x));
  return x;
}

const COUNT = 20_000;
const integers = Array.from({ length: COUNT }, (_, i) => keyWithHash((i << 15) | 5));
const bigints = Array.from({ length: COUNT }, (_, i) => (i % 2 === 0 ? -1n : 1n) * ((BigInt(i) << 64n) + 7n));

/** As bytes, without a Map or Set of them here, which would take as long as it does there. */
function written(tag: number, keys: readonly unknown[], depth = 0): Buffer {
  const items = keys.map((key) => serialize(key).subarray(1));
  const values = tag === 0x26 ? items.flatMap((item) => [item, Buffer.of(0x02)]) : items;
  const count = Buffer.of((keys.length & 0x7f) | 0x80, ((keys.length >> 7) & 0x7f) | 0x80, keys.length >> 14);
  return Buffer.concat([Buffer.of(0xa1), Buffer.alloc(depth, 0xb1), Buffer.of(tag), count, ...values]);
}

describe.each([
  ['a Map', 0x26, 0],
  ['a Set', 0x27, 0],
  ['a Map far down', 0x26, 300],
  ['a Set far down', 0x27, 300],
])('%s', (_, tag, depth) => {
  test.each([
    ['integers', integers],
    ['BigInts', bigints],
  ])('whose %s were chosen to have one hash is refused before it takes long', (__, keys) => {
    const error = thrownBy(() => deserialize(written(tag, keys, depth)));
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_DECODE', fatal: true });
    expect(error.message).toContain('have the same hash as others');
  });

  test('of a few such keys, or of many others, is taken', () => {
    const others = [
      integers.slice(0, 2000),
      bigints.slice(0, 2000),
      Array.from({ length: COUNT }, (__, i) => i),
      Array.from({ length: COUNT }, (__, i) => -1 - i * 65_536),
      Array.from({ length: COUNT }, (__, i) => i / 3),
      Array.from({ length: COUNT }, (__, i) => BigInt(i) ** 4n),
      Array.from({ length: COUNT }, (__, i) => String(i)),
    ];
    for (const keys of others) {
      let value = deserialize(written(tag, keys, depth)) as Map<unknown, unknown> | Set<unknown> | [unknown];
      while (Array.isArray(value)) value = value[0] as [unknown];
      expect([...(value as Set<unknown>).keys()]).toEqual(keys);
    }
  });
});

test('many Maps of a message share the bound', () => {
  const maps = Array.from({ length: 40 }, () => written(0x27, integers.slice(0, 1500)).subarray(1));
  const bytes = Buffer.concat([Buffer.of(0xa1, 0x24, maps.length), ...maps]);
  expect(thrownBy(() => deserialize(bytes))).toMatchObject({ code: 'ERR_AIOPIPE_DECODE' });
});

/** Returns the milliseconds of processor time for a Set of these keys. */
function timeOfSet(keys: readonly unknown[]): number {
  const before = process.cpuUsage();
  expect(new Set(keys).size).toBe(keys.length);
  return process.cpuUsage(before).user / 1000;
}

// The guard computes V8's hashes. If this fails, V8 hashes differently: see docs/security.md. Otherwise the factor is 100 or more.
test.each([
  ['integers', integers.slice(0, 10_000), Array.from({ length: 10_000 }, (_, i) => i)],
  ['BigInts', bigints.slice(0, 10_000), Array.from({ length: 10_000 }, (_, i) => BigInt(i))],
])('V8 puts the %s that the guard counts into one bucket', (_, chosen, others) => {
  expect(timeOfSet(chosen)).toBeGreaterThan(10 * timeOfSet(others));
});
