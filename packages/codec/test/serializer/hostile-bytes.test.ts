/* oxlint-disable no-sparse-arrays */
import { DecodeError, deserialize, register, serialize } from '@aiopipe/codec';
import { describe, expect, test } from 'vitest';

function rejection(hex: string, options?: Parameters<typeof deserialize>[1]): DecodeError {
  try {
    deserialize(Buffer.from(hex.replaceAll(' ', ''), 'hex'), options);
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
    expect((error as DecodeError).fatal).toBe(true);
    return error as DecodeError;
  }
  throw new Error('it was decoded');
}

test.each<[string, string]>([
  ['nothing at all', ''],
  ['no version byte', '41'],
  ['another version', 'a2 41'],
  ['a version byte and no value', 'a1'],
  ['more bytes after the value', 'a1 41 41'],
  ['a second version byte', 'a1 a1 41'],
  ['a tag that is none', 'a1 00'],
  ['a number cut short', 'a1 06 01'],
  ['a string cut short', 'a1 85 61 62'],
  ['a string longer than memory', 'a1 0e ffffffffffff7f'],
  ['wide text longer than what is there', 'a1 0f ffffffff0f 00'],
  ['a length of nine bytes', 'a1 0e ffffffffffffffffff01'],
  ['an array longer than what is there', 'a1 24 ffffffff0f 41'],
  ['an array of numbers longer than what is there', 'a1 1b 05 02 00000000 000000'],
  ['an array has numbers of an unknown type', 'a1 1b 01 01 00'],
  ['a map longer than what is there', 'a1 26 ffffffff0f 41'],
  ['a sparse array that is too long', 'a1 25 8080808010 00'],
  ['a sparse array with an index past its end', 'a1 25 02 01 42 41'],
  ['a sparse array that sets its length', 'a1 25 02 01 86 6c656e677468 41'],
  ['an ArrayBuffer longer than what is there', 'a1 17 ffffffff0f 00'],
  ['a BigInt longer than what is there', 'a1 0d 00 ffffffff0f 00'],
  ['a BigInt with an odd sign', 'a1 0d 02 01 01'],
  ['a reference to nothing', 'a1 10 00'],
  ['a shape that was not defined', 'a1 c0'],
  ['a shape with too few keys', 'a1 22 01 00'],
  ['a shape with the same key twice', 'a1 22 05 02 81 61 81 61 41 41'],
  ['a shape whose definition has another length', 'a1 22 04 01 81 61 41 41 41'],
  ['a key that is no string', 'a1 20 01 41 41'],
  ['a class that was not named', 'a1 2d 00 41'],
  ['a regular expression with a bad source', 'a1 14 81 28 80 40'],
  ['a regular expression with bad flags', 'a1 14 81 61 82 7878 40'],
  ['a URL that is none', 'a1 15 83 787878'],
  ['an error of no class', 'a1 29 63 00 00'],
  ['a view without an ArrayBuffer', 'a1 2b 01 00 01 41'],
  ['a view past its ArrayBuffer', 'a1 2b 01 00 02 17 01 00'],
  ['a view that is not aligned', 'a1 2b 03 01 02 17 04 00000000'],
  ['a view that ends inside an element', 'a1 2b 04 00 03 17 04 00000000'],
  ['a view of itself', 'a1 2b 01 00 00 10 00'],
  ['a view of an instance that it is the data of', 'a1 2c 81 54 2b 01 00 00 10 00'],
  ['properties on an instance that they are the data of', 'a1 2c 81 54 2e 00 10 00'],
  ['a boxed object', 'a1 28 b0'],
  ['a box in itself', 'a1 28 10 00'],
  ['properties on a plain object', 'a1 2e 01 20 00 81 61 41'],
  ['a handle outside of a channel', 'a1 1a 00'],
  ['a well-known symbol that is none', 'a1 12 89 70726f746f74797065'],
])('%s', (_, hex) => {
  expect(rejection(hex).message).toMatch(/^malformed message: /);
});

test('what is no Uint8Array is a TypeError', () => {
  expect(() => deserialize('a141' as never)).toThrow(TypeError);
});

test('a stack comes after a name and a message of any kind', () => {
  // A DOMException whose parts are a symbol for a name, itself for a message, and a stack.
  const exception = deserialize(Buffer.from('a12a0700808011816b100081 73'.replaceAll(' ', ''), 'hex')) as DOMException;
  expect(exception.name).toBe(Symbol.for('k'));
  expect(exception.message).toBe(exception);
  expect(exception.stack).toBe('s');
});

test('a plain Uint8Array is as good as a Buffer', () => {
  expect(deserialize(new Uint8Array(serialize({ a: [1.5, 'x'.repeat(100)] })))).toEqual({ a: [1.5, 'x'.repeat(100)] });
});

test('a key cannot reach a prototype', () => {
  // { __proto__: { polluted: 1 } } as an object with its keys, and as a shape.
  for (const hex of [
    'a1 20 01 89 5f5f70726f746f5f5f 20 01 81 78 41',
    'a1 22 0b 01 89 5f5f70726f746f5f5f 20 01 81 78 41',
  ]) {
    const result = deserialize(Buffer.from(hex.replaceAll(' ', ''), 'hex')) as object;
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    expect(Object.keys(result)).toEqual(['__proto__']);
  }
  expect(({} as { x?: number }).x).toBeUndefined();
});

test('a long sparse array takes no memory for its holes', () => {
  const before = process.memoryUsage().rss;
  const kept = Array.from({ length: 100 }, () => deserialize(Buffer.from('a125ffffff0f00', 'hex')));
  expect((kept[99] as unknown[]).length).toBe(2 ** 25 - 1);
  expect(process.memoryUsage().rss - before).toBeLessThan(50e6);
});

describe('limits', () => {
  const nested = (depth: number): Buffer => {
    let value: unknown = 1;
    for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { value };
    return serialize(value);
  };

  test.each([1, 10, 199, 200, 201, 5000])('depth %i', (depth) => {
    expect(() => deserialize(nested(depth), { limits: { depth } })).not.toThrow();
    expect(rejection(nested(depth + 1).toString('hex'), { limits: { depth } }).message).toMatch(
      /nests deeper than the limit/,
    );
  });

  test('nodes', () => {
    const bytes = serialize({ a: [1, 2, 3], b: new Map([[1, 2]]), c: new Error('x') });
    expect(() => deserialize(bytes, { limits: { nodes: 1000 } })).not.toThrow();
    expect(rejection(bytes.toString('hex'), { limits: { nodes: 5 } }).message).toMatch(
      /more values than the limit of 5 \(limits\.nodes\)/,
    );
    const numbers = serialize(Array(100).fill(1));
    expect(() => deserialize(numbers, { limits: { nodes: 101 } })).not.toThrow();
    expect(rejection(numbers.toString('hex'), { limits: { nodes: 100 } }).message).toMatch(/the limit of 100/);
  });

  test('bytes', () => {
    const bytes = serialize('x'.repeat(100));
    expect(() => deserialize(bytes, { limits: { bytes: bytes.length } })).not.toThrow();
    expect(rejection(bytes.toString('hex'), { limits: { bytes: bytes.length - 1 } }).message).toMatch(
      /over the limit of \d+ \(limits\.bytes\)/,
    );
  });

  test('that are none are a TypeError: they would limit nothing', () => {
    for (const limits of [{ depth: NaN }, { nodes: '5' }, { bytes: -1 }, { bytes: null }, 5, null]) {
      expect(() => deserialize(serialize(1), { limits: limits as never })).toThrow(TypeError);
    }
  });

  test('by default a depth of a million', () => {
    expect(rejection(`a1${'b1'.repeat(1_000_001)}41`).message).toMatch(
      /nests deeper than the limit of 1000000 \(limits\.depth\)/,
    );
  });
});

describe('mutated encodings', () => {
  class Thing {
    constructor(readonly data: unknown) {}
  }
  register(Thing, { name: 'T', reduce: (t) => t.data, revive: (data) => new Thing(data) });

  const shared = { id: 7, name: 'shared' };
  const cyclic: Record<string, unknown> = { name: 'cycle', list: [shared, shared] };
  cyclic['self'] = cyclic;
  const corpus = [
    [1, -1, 300, -70000, 1.5, NaN, 2 ** 40, 'text', 'täxt', '漢字', true, false, null, undefined, 5n, 2n ** 100n],
    [1, 200, 70_000, 0.5].map((n) => Array<number>(20).fill(n)),
    [
      { id: 1, name: 'a', tags: ['x', 'y'] },
      { id: 2, name: 'b', tags: [] },
      { id: 3, name: 'c', tags: null },
    ],
    cyclic,
    new Map<unknown, unknown>([
      ['a', new Set([1, 2, shared])],
      [shared, new Date(5)],
    ]),
    [/a+/g, new URL('http://x.y/'), new URLSearchParams('a=1'), Symbol.for('s'), Symbol.iterator],
    [new TypeError('bad', { cause: shared }), new AggregateError([1], 'q'), new DOMException('m', 'AbortError')],
    [
      new Uint8Array([1, 2, 3]),
      new Float64Array([1.5]),
      new DataView(new ArrayBuffer(4)),
      Buffer.from('pooled'),
      new ArrayBuffer(3),
    ],
    [
      [1, , 3],
      Object.assign([1], { p: 2 }),
      Object.assign(Object.create(null) as object, { a: 1 }),
      new Number(5),
      new String('s'),
    ],
    [new Thing({ x: 1 }), new Thing([new Thing(1)]), Object.assign(new Map([[1, 2]]), { extra: 'e' })],
    Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`k${String(i)}`, i])),
  ].map((value) => serialize(value));

  /** mulberry32: the same mutations each time. */
  let state = 20_240_601;
  const random = (below: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
  const pick = (): Buffer => corpus[random(corpus.length)] as Buffer;

  const mutations: (() => Buffer)[] = [
    () => {
      const bytes = Buffer.from(pick());
      for (let i = random(4); i >= 0; i--) bytes[random(bytes.length)] = random(256);
      return bytes;
    },
    () => {
      const bytes = Buffer.from(pick());
      const at = random(bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << random(8));
      return bytes;
    },
    () => pick().subarray(0, random(pick().length)),
    () => {
      const [a, b] = [pick(), pick()];
      return Buffer.concat([a.subarray(0, random(a.length)), b.subarray(random(b.length))]);
    },
    () => {
      const bytes = pick();
      const at = 1 + random(bytes.length - 1);
      const noise = Buffer.from(Array.from({ length: 1 + random(8) }, () => random(256)));
      return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
    },
    () => Buffer.from([0xa1, ...Array.from({ length: random(40) }, () => random(256))]),
    () => Buffer.from([0xa1, ...Array.from({ length: random(40) }, () => random(0x30))]),
  ];

  test('250,000 of them give a value or a DecodeError, in bounded memory', () => {
    const outcomes = { value: 0, error: 0 };
    const before = process.memoryUsage().rss;
    let peak = before;
    for (let i = 0; i < 250_000; i++) {
      const bytes = (mutations[i % mutations.length] as () => Buffer)();
      try {
        deserialize(bytes);
        outcomes.value++;
      } catch (error) {
        if (!(error instanceof DecodeError))
          throw new Error(`not a DecodeError: ${bytes.toString('hex')}`, { cause: error });
        outcomes.error++;
      }
      if (i % 1000 === 0) peak = Math.max(peak, process.memoryUsage().rss);
    }
    expect(outcomes.value).toBeGreaterThan(1000);
    expect(outcomes.error).toBeGreaterThan(100_000);
    expect(peak - before).toBeLessThan(200e6);
  });

  test('after all that, what is well-formed is decoded as ever', () => {
    expect(deserialize(serialize([shared, shared, { a: 1 }]))).toEqual([shared, shared, { a: 1 }]);
  });
});
