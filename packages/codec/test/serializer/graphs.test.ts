import { serialize } from '@aiopipe/codec';
import { describe, expect, test } from 'vitest';
import { roundTrip } from './helpers.js';

describe('identity', () => {
  test('shared references are shared on the other side', () => {
    const shared = { n: 1 };
    const result = roundTrip({ list: [shared, shared], map: new Map([[shared, shared]]) });
    expect(result.list[0]).toBe(result.list[1]);
    expect([...result.map][0]?.[0]).toBe(result.list[0]);
  });

  test.each([1, 5, 31, 32, 33, 34, 100])('among %i other objects', (count) => {
    const objects = Array.from({ length: count }, (_, id) => ({ id }));
    const result = roundTrip([...objects, ...objects]);
    for (let i = 0; i < count; i++) expect(result[i]).toBe(result[i + count]);
    expect(new Set(result).size).toBe(count);
  });

  test('cycles through every kind of container', () => {
    const value: Record<string, unknown> = {};
    const map = new Map<unknown, unknown>([['value', value]]);
    map.set(map, map);
    Object.assign(value, { value, list: [value], map, set: new Set([value]), error: new Error('x', { cause: value }) });
    const result = roundTrip(value) as {
      value: unknown;
      list: unknown[];
      map: Map<unknown, unknown>;
      set: Set<unknown>;
      error: Error;
    };
    expect(result.value).toBe(result);
    expect(result.list[0]).toBe(result);
    expect(result.map.get('value')).toBe(result);
    expect(result.map.get(result.map)).toBe(result.map);
    expect(result.set.has(result)).toBe(true);
    expect(result.error.cause).toBe(result);
  });
});

describe('depth', () => {
  const DEPTH = 100_000;

  test.each<[string, (inner: unknown) => unknown, (outer: never) => unknown]>([
    ['objects', (inner) => ({ inner }), (outer: { inner: unknown }) => outer.inner],
    [
      'objects with too many keys for a shape',
      (inner) => ({ ...wide, inner }),
      (outer: { inner: unknown }) => outer.inner,
    ],
    ['arrays', (inner) => [inner], (outer: unknown[]) => outer[0]],
    ['maps', (inner) => new Map([['k', inner]]), (outer: Map<unknown, unknown>) => outer.get('k')],
    ['sets', (inner) => new Set([inner]), (outer: Set<unknown>) => [...outer][0]],
    ['errors', (inner) => bare(new Error('x', { cause: inner })), (outer: Error) => outer.cause],
    [
      'null-prototype objects',
      (inner) => Object.assign(Object.create(null) as object, { inner }),
      (outer: { inner: unknown }) => outer.inner,
    ],
  ])('of 100,000 %s', (_, wrap, unwrap) => {
    const depth =
      wrap === undefined
        ? 0
        : DEPTH / (wrap(null) instanceof Object && Object.keys(wrap(null) as object).length > 100 ? 50 : 1);
    let value: unknown = 'core';
    for (let i = 0; i < depth; i++) value = wrap(value);
    let result = roundTrip(value);
    for (let i = 0; i < depth; i++) result = unwrap(result as never);
    expect(result).toBe('core');
  });

  test('objects of one shape above and below the limit of recursion stay what they are', () => {
    let value: Record<string, unknown> = { leaf: [1, { constructor: 2 }] };
    for (let i = 0; i < 1000; i++) value = { a: i, b: { constructor: i }, rest: value, list: [i, null, undefined] };
    const result = roundTrip(value);
    expect(serialize(result).equals(serialize(value))).toBe(true);
  });

  const wide = Object.fromEntries(Array.from({ length: 130 }, (_, i) => [`k${String(i)}`, i]));
  const bare = (error: Error): Error => {
    delete error.stack;
    return error;
  };
});
