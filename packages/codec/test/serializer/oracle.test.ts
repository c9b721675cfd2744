import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import v8 from 'node:v8';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { roundTrip } from './helpers.js';

/** Node 20's `deepStrictEqual` takes no two invalid dates for the same; they have a test of their own. */
const comparable = (value: unknown): boolean => !inspect(value, { depth: null }).includes('Invalid Date');

const everything = {
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withObjectString: true,
  withTypedArray: true,
  withSparseArray: true,
  key: fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('__proto__', 'constructor', 'length', '0', '7'),
  ),
} as const;

test('any value arrives as it was', () => {
  fc.assert(
    fc.property(fc.anything({ ...everything, withNullPrototype: true }), (value) => {
      fc.pre(comparable(value));
      assert.deepStrictEqual(roundTrip(value), value);
    }),
    { numRuns: 5000 },
  );
});

test('any value arrives as v8.serialize would bring it', () => {
  fc.assert(
    fc.property(fc.anything(everything), (value) => {
      fc.pre(comparable(value));
      assert.deepStrictEqual(roundTrip(value), v8.deserialize(v8.serialize(value)));
    }),
    { numRuns: 5000 },
  );
});

test('any text arrives as it was, at any length', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ maxLength: 300 }), (wide, narrow) => {
      for (const text of [wide, narrow, narrow + wide, wide + narrow]) assert.equal(roundTrip(text), text);
    }),
    { numRuns: 2000 },
  );
});

test('any number arrives as it was', () => {
  fc.assert(
    fc.property(fc.oneof(fc.double(), fc.integer(), fc.maxSafeInteger(), fc.float()), (n) => {
      expect(Object.is(roundTrip(n), n)).toBe(true);
    }),
    { numRuns: 5000 },
  );
});

/** A graph of containers with edges anywhere, to containers that were made before or after. */
const graph = fc
  .array(fc.record({ kind: fc.nat(4), edges: fc.array(fc.nat(50), { maxLength: 5 }) }), { minLength: 1, maxLength: 50 })
  .map((nodes) => {
    const containers = nodes.map(
      ({ kind }, id) => [{ id }, [id], new Map(), new Set(), new Error(`e${String(id)}`)][kind] as object,
    );
    nodes.forEach(({ edges }, i) => {
      for (const [n, edge] of edges.entries()) {
        const from = containers[i] as object;
        const to = containers[edge % containers.length] as object;
        if (Array.isArray(from)) from.push(to);
        else if (from instanceof Map) from.set(n % 2 === 0 ? n : to, to);
        else if (from instanceof Set) from.add(to);
        else if (from instanceof Error) from.cause = to;
        else (from as Record<string, unknown>)[`edge${String(n)}`] = to;
      }
    });
    return containers;
  });

/** Two graphs are the same if walking both in step meets the same objects again at the same places. */
function sameGraph(a: unknown, b: unknown): void {
  const twin = new Map<unknown, unknown>();
  const pending: [unknown, unknown][] = [[a, b]];
  for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) {
    const [left, right] = pair;
    if (typeof left !== 'object' || left === null) {
      assert.ok(Object.is(left, right));
      continue;
    }
    if (twin.has(left)) {
      assert.equal(twin.get(left), right);
      continue;
    }
    twin.set(left, right);
    assert.equal(Object.getPrototypeOf(left), Object.getPrototypeOf(right));
    const [l, r] = [partsOf(left), partsOf(right as object)];
    assert.equal(l.length, r.length);
    l.forEach((part, i) => pending.push([part, r[i]]));
  }
}

function partsOf(object: object): unknown[] {
  if (object instanceof Map) return [...(object as Map<unknown, unknown>)].flat(1);
  if (object instanceof Set) return [...(object as Set<unknown>)];
  if (object instanceof Error) return [object.message, object.stack, object.cause];
  return Object.entries(object).flat(1);
}

test('any graph arrives with the same references, as v8.serialize would bring it', () => {
  fc.assert(
    fc.property(graph, (containers) => {
      const result = roundTrip(containers);
      sameGraph(containers, result);
      // It knows no cause of an error before Node 22; the rest it knows.
      if (!containers.some((c) => c instanceof Error)) sameGraph(v8.deserialize(v8.serialize(containers)), result);
    }),
    { numRuns: 2000 },
  );
});
