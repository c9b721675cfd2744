// The compiler checks this file (`npm run typecheck`); nothing here is called.
import { expectTypeOf } from 'vitest';
import { deserialize, FrameDecoder, register, registerCodec, serialize } from '@aiopipe/codec';

class Point {
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}
}

// `revive` gets what `reduce` returns.
register(Point, {
  name: 'geo/Point',
  reduce: ({ x, y }) => [x, y] as const,
  revive: ([x, y]) => new Point(x, y),
});
expectTypeOf(serialize(new Point(1, 2))).toEqualTypeOf<Buffer>();
expectTypeOf(deserialize(Buffer.of(0))).toBeUnknown();
for (const payload of new FrameDecoder()) expectTypeOf(payload).toEqualTypeOf<Buffer>();

// @ts-expect-error -- another type than `reduce` returned
register(Point, { name: 'geo/Point', reduce: ({ x }) => x, revive: (x: string) => new Point(Number(x), 0) });
// @ts-expect-error -- another class's instance
register(Point, { name: 'geo/Point', reduce: ({ x }) => x, revive: () => new Date() });
// @ts-expect-error -- no name
register(Point, { reduce: ({ x }) => x, revive: (x: number) => new Point(x, 0) });
// @ts-expect-error -- no bytes
registerCodec('text', { encode: (value) => String(value), decode: (bytes) => bytes });
// @ts-expect-error -- not for users
void new FrameDecoder().buffer;
