import { drawSchema, instanceOf } from './drawn.js';
import type { CodecName } from './codecs.js';
import { Random } from './random.js';

/** Something to encode and decode. */
export interface Payload {
  readonly name: string;
  /**
   * How many instances take turns. They differ in their values, so that a cache of the strings that were seen last, say,
   * serves nobody better than it would with messages of a real program.
   */
  readonly instances: number;
  make(random: Random, index: number): unknown;
  /** How much of a peer's time ours should take at most. */
  readonly goals?: Partial<Record<CodecName, number>>;
}

const againstMsgpackr = (goal: number) => ({ 'msgpackr, structuredClone, sequential': goal });

const MANY = 256;
const FEW = 16;

const words = (random: Random, count: number) => Array.from({ length: count }, () => random.word(2, 10)).join(' ');

const tiny: Payload = {
  name: 'tiny object',
  goals: { ...againstMsgpackr(0.6), 'v8.serialize': 0.15 },
  instances: MANY,
  make: (random, index) => ({
    id: index,
    name: random.word(4, 12),
    ok: random.next() < 0.5,
    vals: [1, 2, random.below(1000)],
  }),
};

const nested: Payload = {
  name: '1 KB nested object',
  goals: againstMsgpackr(0.85),
  instances: MANY,
  make: (random, index) => ({
    user: {
      id: random.below(1e9),
      name: words(random, 2),
      email: `${random.word(3, 9)}@example.com`,
      tags: [random.word(3, 9), random.word(3, 9), 'admin'],
      address: {
        street: `${random.word(4, 10)} street ${String(index)}`,
        city: random.word(4, 10),
        zip: String(10_000 + random.below(90_000)),
        position: { latitude: random.next() * 180 - 90, longitude: random.next() * 360 - 180 },
      },
    },
    items: Array.from({ length: 8 }, (_, i) => ({
      sku: `SKU-${random.word(4, 8)}`,
      quantity: 1 + random.below(10),
      price: random.below(10_000) / 100,
      meta: { color: random.pick(['red', 'green', 'blue']), size: i },
    })),
    status: random.pick(['active', 'suspended']),
    created: 1_700_000_000_000 + random.below(1e9),
    notes: words(random, 12),
    flags: { verified: random.next() < 0.5, hidden: false, parent: null },
  }),
};

const records: Payload = {
  name: '1000 same-shaped records',
  goals: againstMsgpackr(0.85),
  instances: FEW,
  make: (random) =>
    Array.from({ length: 1000 }, (_, i) => ({
      id: i,
      name: `${random.word(3, 9)} ${String(i)}`,
      active: random.next() < 0.3,
      score: random.next() * 100,
      group: random.pick(['alpha', 'beta', 'gamma', 'delta']),
      count: random.below(100_000),
    })),
};

/** 10,240 characters of text, each instance its own. */
const text = (name: string, goal: number, alphabet: readonly string[]): Payload => ({
  name,
  goals: againstMsgpackr(goal),
  instances: MANY / 4,
  make: (random) => {
    const words = Array.from({ length: 64 }, () =>
      Array.from({ length: 2 + random.below(9) }, () => random.pick(alphabet)).join(''),
    );
    let content = '';
    while (content.length < 10_240) content += `${random.pick(words)} `;
    // Through bytes, so that it is one string in memory and no tree of pieces, as text that came from somewhere is.
    return Buffer.from(content.slice(0, 10_240)).toString();
  },
});

const ascii = text('10 KB ASCII string', 0.7, [...'etaoinshrdlu']);
const multibyte = text('10 KB multibyte string', 0.1, [...'漢字仮名交文привет']);

const mix: Payload = {
  name: 'Map, Set, Date, BigInt mix',
  goals: againstMsgpackr(0.7),
  instances: MANY,
  make: (random, index) => ({
    map: new Map<unknown, unknown>([
      ['first', index],
      [random.word(3, 9), { x: random.below(100) }],
      [3, random.word(3, 9)],
    ]),
    set: new Set<unknown>([1, random.word(3, 9), index]),
    date: new Date(1_700_000_000_000 + random.below(1e9)),
    large: 12_345_678_901_234_567_890n + BigInt(index),
    small: BigInt(index),
  }),
};

const buffer: Payload = {
  name: '1 MB Buffer in an object',
  goals: againstMsgpackr(0.7),
  instances: 4,
  make: (random) => ({ name: random.word(3, 9), data: Buffer.alloc(1 << 20, random.word(8, 8)) }),
};

const cyclic: Payload = {
  name: 'cyclic graph',
  instances: MANY / 4,
  make: (random) => {
    interface Node {
      name: string;
      n: number;
      parent: Node | null;
      children: Node[];
    }
    const root: Node = { name: random.word(3, 9), n: 0, parent: null, children: [] };
    root.parent = root;
    for (let n = 1; n <= 40; n++) root.children.push({ name: random.word(3, 9), n, parent: root, children: [] });
    return root;
  },
};

/** One whose shape the seed decides. */
function drawn(name: string, shapeSeed: number): Payload {
  const schema = drawSchema(new Random(shapeSeed));
  return { name, instances: MANY / 4, make: (random) => instanceOf(schema, random) };
}

/** The payloads of a run: the eight that stay the same, and two that its seed draws. */
export function payloadsOf(seed: number): readonly Payload[] {
  return [
    ...[tiny, nested, records, ascii, multibyte, mix, buffer, cyclic],
    drawn('drawn at random, first', seed),
    drawn('drawn at random, second', seed + 1),
  ];
}

/** A payload's instances; the same in every process that asks with the same seed. */
export function instancesOf(payload: Payload, seed: number): readonly unknown[] {
  const random = new Random(seed);
  return Array.from({ length: payload.instances }, (_, index) => payload.make(random, index));
}
