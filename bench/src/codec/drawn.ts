import type { Random } from './random.js';

/** The shape of the values at one place of a payload. It uses only types that JSON has, so that each codec can take part. */
export type Schema =
  | { readonly kind: 'leaf'; readonly make: (random: Random) => unknown }
  | { readonly kind: 'list'; readonly of: Schema; readonly longest: number }
  | { readonly kind: 'object'; readonly fields: readonly (readonly [name: string, Schema])[] };

const LEAVES: readonly ((random: Random) => unknown)[] = [
  (random) => random.below(50),
  (random) => random.below(100_000) - 50_000,
  (random) => random.below(2 ** 32) * 1000,
  (random) => random.next() * 1000,
  (random) => random.next() < 0.5,
  () => null,
  (random) => random.word(0, 6),
  (random) => random.word(5, 30),
  (random) => random.word(20, 120),
  (random) => `${random.word(2, 8)} ${random.pick(['é', 'ß', '漢', '😀', 'ж'])}`,
];

/** An object of three to ten fields, among them objects and lists, down to four levels. */
export function drawSchema(random: Random): Schema {
  return drawObject(random, 0);
}

function drawObject(random: Random, depth: number): Schema {
  const count = 3 + random.below(8);
  const names = new Set<string>();
  while (names.size < count) names.add(random.word(2, 12));
  return { kind: 'object', fields: [...names].map((name) => [name, drawField(random, depth + 1)] as const) };
}

function drawField(random: Random, depth: number): Schema {
  const turn = depth < 4 ? random.below(10) : 9;
  if (turn < 2) return drawObject(random, depth);
  if (turn < 4) return { kind: 'list', of: drawField(random, depth + 1), longest: 2 + random.below(20) };
  return { kind: 'leaf', make: random.pick(LEAVES) };
}

export function instanceOf(schema: Schema, random: Random): unknown {
  switch (schema.kind) {
    case 'leaf':
      return schema.make(random);
    case 'list':
      return Array.from({ length: random.below(schema.longest + 1) }, () => instanceOf(schema.of, random));
    case 'object':
      return Object.fromEntries(schema.fields.map(([name, field]) => [name, instanceOf(field, random)]));
  }
}
