import { register } from '@aiopipe/codec';
import { describe, expect, test } from 'vitest';
// The tables that outlive a message are the channel's, and are no public part.
import { Decoder } from '../../src/serializer/decode.js';
import { Encoder } from '../../src/serializer/encode.js';
import { DecodeError, EncodeError } from '../../src/errors.js';
import type { HandleSink, HandleSource } from '../../src/serializer/handles.js';
import { Output } from '../../src/serializer/output.js';

class Line {
  readonly encoder = new Encoder({ shared: true });
  readonly output = new Output(16);
  decoder = new Decoder();

  encode(value: unknown, sink?: HandleSink): Buffer {
    const start = this.output.position;
    this.encoder.encodeInto(this.output, value, sink);
    return this.output.buffer.subarray(start, this.output.position);
  }

  send(value: unknown): unknown {
    const bytes = this.encode(value);
    return this.decoder.decode(bytes, 0, bytes.length);
  }
}

class Dot {
  constructor(readonly at: number) {}
}
register(Dot, { name: 'tables/Dot', reduce: (dot) => dot.at, revive: (at) => new Dot(at) });

describe('a line of messages', () => {
  test('names keys and classes once', () => {
    const line = new Line();
    const first = line.encode({ identifier: 1, dot: new Dot(1) });
    const second = line.encode({ identifier: 2, dot: new Dot(2) });
    expect(first.includes('identifier')).toBe(true);
    expect(second.toString('hex')).toBe('c0422d0042');
    line.decoder.decode(first, 0, first.length);
    expect(line.decoder.decode(second, 0, second.length)).toEqual({ identifier: 2, dot: new Dot(2) });
  });

  test('keeps references to the message that they are in', () => {
    const line = new Line();
    const shared = { a: 1 };
    for (let i = 0; i < 3; i++) expect(line.send([shared, shared])).toEqual([shared, shared]);
  });

  test('decodes from the middle of a buffer', () => {
    const line = new Line();
    const bytes = Buffer.concat([Buffer.from('before'), line.encode({ a: 1.5, b: [1n] }), Buffer.from('after')]);
    expect(line.decoder.decode(bytes, 6, bytes.length - 5)).toEqual({ a: 1.5, b: [1n] });
  });

  test('appends after what the output holds', () => {
    const line = new Line();
    line.output.ensure(4);
    line.output.position = 4;
    line.output.buffer.write('head', 0);
    line.encode(['x'.repeat(1000)]);
    expect(line.output.buffer.toString('latin1', 0, 4)).toBe('head');
    expect(line.decoder.decode(line.output.buffer, 4, line.output.position)).toEqual(['x'.repeat(1000)]);
  });

  test('cannot be joined in the middle', () => {
    const line = new Line();
    line.encode({ a: 1 });
    const bytes = line.encode({ a: 2 });
    expect(() => new Decoder().decode(bytes, 0, bytes.length)).toThrow(/must begin with the version byte/);
  });

  test.each([
    ['the bytes of JSON', Buffer.from('{"a":1}'), '0x7b'],
    ['a byte below 0x10', Buffer.of(5), '0x05'],
    ['no bytes', Buffer.alloc(0), 'the end'],
  ])('a message in another codec shows what it begins with: %s', (_, bytes, came) => {
    expect(() => new Decoder().decode(bytes, 0, bytes.length)).toThrow(
      `malformed message: it must begin with the version byte 0xa1, not ${came}: both sides must use the same codec (at byte 0)`,
    );
  });
});

describe('a message that cannot be encoded', () => {
  test('leaves the output and the tables as they were', () => {
    const line = new Line();
    line.send({ known: 1 });
    const { position } = line.output;
    expect(() => line.encode({ known: { fresh: 1, dot: new Dot(1) }, other: [{ more: 1 }], bad: () => 1 })).toThrow(
      EncodeError,
    );
    expect(line.output.position).toBe(position);
    expect(line.send({ known: { fresh: 2 } })).toEqual({ known: { fresh: 2 } });
    expect(line.send([{ more: 1 }, new Dot(3), { known: 1, other: 2, bad: 3 }])).toEqual([
      { more: 1 },
      new Dot(3),
      { known: 1, other: 2, bad: 3 },
    ]);
  });

  test('as the first of all, leaves the start to the next', () => {
    const line = new Line();
    expect(() => line.encode({ a: { b: Symbol('x') } })).toThrow(EncodeError);
    expect(line.send({ a: { b: 1 } })).toEqual({ a: { b: 1 } });
    expect(line.send({ b: { a: 1 } })).toEqual({ b: { a: 1 } });
  });

  test('at random among others, disturbs none', () => {
    const line = new Line();
    let seed = 1;
    const random = (n: number): number => (seed = (seed * 48_271) % 2_147_483_647) % n;
    const make = (depth: number): unknown => {
      if (depth === 0) return random(20) === 0 ? () => 1 : random(1000);
      const keys = Array.from({ length: 1 + random(4) }, () => `k${String(random(30))}`);
      return Object.fromEntries(keys.map((key) => [key, make(random(depth))]));
    };
    let refused = 0;
    for (let i = 0; i < 5000; i++) {
      const value = make(5);
      try {
        expect(line.send(value)).toEqual(value);
      } catch (error) {
        if (!(error instanceof EncodeError)) throw error;
        refused++;
      }
      if (random(100) === 0) line.encoder.reset();
      line.output.position = 0;
    }
    expect(refused).toBeGreaterThan(100);
  });

  test('because it puts a message on the same line while it is encoded', () => {
    const line = new Line();
    const value = {
      get nested() {
        return line.encode(1);
      },
    };
    expect(() => line.encode(value)).toThrow(/puts another message on the same channel/);
    expect(line.send({ fine: 1 })).toEqual({ fine: 1 });
  });
});

describe('the tables', () => {
  test('start again if the writer is reset', () => {
    const line = new Line();
    line.send({ a: 1 });
    line.encoder.reset();
    const bytes = line.encode({ a: 2 });
    expect(new Decoder().decode(bytes, 0, bytes.length)).toEqual({ a: 2 });
    expect(line.decoder.decode(bytes, 0, bytes.length)).toEqual({ a: 2 });
    expect(line.send({ a: 3 })).toEqual({ a: 3 });
  });

  test('go along with a reader that moves', () => {
    const line = new Line();
    line.send({ a: 1, dot: new Dot(1) });
    const state = JSON.parse(JSON.stringify(line.decoder.exportState())) as unknown;
    line.decoder = Decoder.fromState(state);
    expect(line.send({ a: 2, dot: new Dot(2) })).toEqual({ a: 2, dot: new Dot(2) });
    expect(line.send([{ b: 1 }, { a: 3, dot: null }])).toEqual([{ b: 1 }, { a: 3, dot: null }]);
  });

  test('go along with a reader that moves before its first message', () => {
    const line = new Line();
    line.decoder = Decoder.fromState(line.decoder.exportState());
    expect(line.send({ a: 1 })).toEqual({ a: 1 });
  });

  test('stay bounded with ever new shapes, between messages and inside of one', () => {
    const line = new Line();
    for (let i = 0; i < 10_000; i++) {
      const value = { [`key${String(i)}`]: i, again: 1 };
      expect(line.send(value)).toEqual(value);
      line.output.position = 0;
    }
    const many = Array.from({ length: 10_000 }, (_, i) => ({ [`other${String(i)}`]: i }));
    expect(line.send(many)).toEqual(many);
    const state = line.decoder.exportState();
    expect(state.shapes.length).toBeLessThanOrEqual(2048);
    expect(line.send({ after: 1 })).toEqual({ after: 1 });
  });

  test('a sender that defines more shapes than fit is refused', () => {
    const decoder = new Decoder();
    const chunks = [Buffer.from([0xa1, 0x24, 0x81, 0x10])];
    for (let i = 0; i < 2049; i++) {
      const key = Buffer.from(`k${String(i).padStart(5, '0')}`);
      chunks.push(Buffer.from([0x22, 8, 1, 0x86]), key, Buffer.from([0x41]));
    }
    const bytes = Buffer.concat(chunks);
    expect(() => decoder.decode(bytes, 0, bytes.length)).toThrow(/more shapes than a table holds/);
  });

  test('stay right if a value cannot be built here', () => {
    const line = new Line();
    const bytes = line.encode([new Dot(1), { late: 1 }]);
    const unknown = Buffer.from(bytes.toString('latin1').replace('tables/Dot', 'tables/Not'), 'latin1');
    expect(() => line.decoder.decode(unknown, 0, unknown.length)).toThrow(DecodeError);
    expect(line.send([{ late: 2 }, { later: 3 }])).toEqual([{ late: 2 }, { later: 3 }]);
  });
});

describe('handles', () => {
  class End {
    constructor(readonly fd: number) {}
    [Symbol.for('@aiopipe/handle')](): void {}
  }
  const sinkInto = (list: object[]): HandleSink => ({
    isHandle: (value) => value instanceof End,
    add: (value) => list.push(value) - 1,
  });
  const sourceFrom = (list: object[]): HandleSource => ({ take: (index) => list[index] as object });

  test('travel by their index, each once', () => {
    const line = new Line();
    const [a, b] = [new End(3), new End(4)];
    const list: object[] = [];
    const bytes = line.encode({ a, again: [a], map: new Map([['b', b]]) }, sinkInto(list));
    expect(list).toEqual([a, b]);
    const result = line.decoder.decode(bytes, 0, bytes.length, sourceFrom([a, b])) as { a: End; again: End[] };
    expect(result.again[0]).toBe(a);
    expect(result).toEqual({ a, again: [a], map: new Map([['b', b]]) });
  });

  test('what the sink throws passes through, and nothing is written', () => {
    const line = new Line();
    const busy = new Error('busy');
    const sink: HandleSink = {
      isHandle: () => true,
      add: () => {
        throw busy;
      },
    };
    expect(() => line.encode({ fresh: 1, end: new End(3) }, sink)).toThrow(busy);
    expect(line.output.position).toBe(0);
    expect(line.send({ fresh: 1 })).toEqual({ fresh: 1 });
  });

  test('what the source throws passes through, and the tables stay right', () => {
    const line = new Line();
    const gone = new Error('gone');
    const bytes = line.encode([new End(3), { late: 1 }], sinkInto([]));
    const source: HandleSource = {
      take: () => {
        throw gone;
      },
    };
    expect(() => line.decoder.decode(bytes, 0, bytes.length, source)).toThrow(gone);
    expect(line.send({ late: 2 })).toEqual({ late: 2 });
  });

  test('a message cannot add properties to one', () => {
    const end = new End(3);
    const bytes = Buffer.from('a12e011a00856c61626c6541', 'hex');
    expect(() => new Decoder().decode(bytes, 0, bytes.length, sourceFrom([end]))).toThrow(
      /properties follow a value that cannot have any/,
    );
    expect(Object.keys(end)).toEqual(['fd']);
  });
});

test('an encoder keeps nothing of what it has encoded', async () => {
  const line = new Line();
  let collected = 0;
  const registry = new FinalizationRegistry(() => collected++);
  for (let i = 0; i < 20; i++) {
    const value = { deep: { value: [{ i }] } };
    registry.register(value.deep, i);
    line.send(value);
  }
  for (let i = 0; i < 20 && collected < 20; i++) {
    (globalThis as unknown as { gc: () => void }).gc();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  // The last one may still be on the stack.
  expect(collected).toBeGreaterThanOrEqual(19);
});
