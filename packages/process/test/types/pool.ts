import { expectTypeOf } from 'vitest';
import { type WriteEnd } from '@aiopipe/core';
import { Pool } from '@aiopipe/process';
import { count, greet, idle, rest, square } from './targets.js';

declare const tx: WriteEnd;
declare const signal: AbortSignal;

const squares = new Pool(square, { size: 2, retries: 1 });
const counts = new Pool(count, { size: { max: 4 } });

expectTypeOf(squares.run(2)).toEqualTypeOf<Promise<number>>();
expectTypeOf(new Pool(greet).run(tx, 'me')).toEqualTypeOf<Promise<string>>();
expectTypeOf(new Pool(idle).run()).toEqualTypeOf<Promise<undefined>>();
expectTypeOf(new Pool(rest).run('a', 'b')).toEqualTypeOf<Promise<number>>();
expectTypeOf(squares.with({ signal, timeout: 100, retries: 2 }).run(3)).toEqualTypeOf<Promise<number>>();

expectTypeOf(squares.map([1, 2])).toExtend<AsyncIterable<number>>();
for await (const value of squares.map(new Set([1, 2]), { ordered: false, concurrency: 2 }))
  expectTypeOf(value).toBeNumber();
for await (const value of counts.stream(3)) expectTypeOf(value).toBeNumber();
for await (const value of counts.with({ timeout: 10 }).stream(3)) expectTypeOf(value).toBeNumber();

// A generator's result is for stream().
expectTypeOf(counts.run(3)).resolves.toBeNever();

// @ts-expect-error -- args are missing
void squares.run();
// @ts-expect-error -- a wrong type
void squares.run('2');
// @ts-expect-error -- too many
void squares.run(2, 3);
// @ts-expect-error -- items of a wrong type
squares.map(['1']);
// @ts-expect-error -- a target of two arguments has no items
new Pool(greet).map([tx]);
// @ts-expect-error -- a misspelt option of map()
squares.map([1], { order: false });
// @ts-expect-error -- a misspelt option of a task
squares.with({ timout: 5 });
// @ts-expect-error -- a misspelt option of the pool
new Pool(square, { sise: 1 });
// @ts-expect-error -- no target
new Pool((value: number) => value);

const many = new Pool({ size: 2 });
expectTypeOf(many.of(square).run(2)).toEqualTypeOf<Promise<number>>();
expectTypeOf(many.of(greet).with({ timeout: 5 }).run(tx, 'me')).toEqualTypeOf<Promise<string>>();
expectTypeOf(squares.of(idle).run()).toEqualTypeOf<Promise<undefined>>();
for await (const value of many.of(square).map([1, 2])) expectTypeOf(value).toBeNumber();
for await (const value of many.of(greet).map([[tx, 'me']], { spread: true })) expectTypeOf(value).toBeString();
for await (const value of new Pool(rest).map(['a'])) expectTypeOf(value).toBeNumber();
for await (const value of new Pool(rest).map([['a', 'b']], { spread: true })) expectTypeOf(value).toBeNumber();
// @ts-expect-error -- a wrong type of the second argument
many.of(greet).map([[tx, 'them']], { spread: true });
// @ts-expect-error -- a pool without a target has nothing to run
void many.run();
// @ts-expect-error -- nor to map
many.map([1]);
// @ts-expect-error -- a misspelt option of a pool without a target
new Pool({ sise: 1 });
