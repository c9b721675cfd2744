import { afterAll, expect, test } from 'vitest';
import { InvalidMessageError, type StandardSchema } from '@aiopipe/codec';
import { Pool } from '@aiopipe/process';
import { leakCheck } from '@aiopipe/testing';
import { square } from '../fixtures/does-tasks.js';
import { join } from '../fixtures/is-a-target-of-many.js';
import { countAtOnce } from '../fixtures/streams-items.js';
import { errorOf, thrownBy } from '../helpers.js';

afterAll(leakCheck());

/** A schema that makes something of a value, or throws a string. */
function schema<Output>(make: (value: unknown) => Output, isSlow = false): StandardSchema<Output> {
  const validate = (value: unknown) => {
    try {
      return { value: make(value) };
    } catch (message) {
      return { issues: [{ message: String(message) }] };
    }
  };
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: isSlow ? (value) => Promise.resolve().then(() => validate(value)) : validate,
    },
  };
}

const numbers = (isSlow = false) =>
  schema((value) => {
    if (!(value as unknown[]).every((item) => typeof item === 'number')) throw 'no number';
    return (value as number[]).map((item) => Math.trunc(item));
  }, isSlow);

const text = schema((value) => {
  if (Number(value) > 50) throw 'too much';
  return `= ${String(value)}`;
});

test.each([false, true])('schemas change arguments and results (asynchronous: %j)', async (isSlow) => {
  await using pool = new Pool({ size: 1 });
  const calls = pool.of(square, { args: numbers(isSlow), result: text });
  const result: string = await calls.run(3.9);
  expect(result).toBe('= 9');
  const results: string[] = [];
  for await (const value of calls.with({ retries: 1 }).map([1, 2.5])) results.push(value);
  expect(results).toEqual(['= 1', '= 4']);
  const items: string[] = [];
  for await (const item of pool.of(countAtOnce, { result: text }).stream(2)) items.push(item);
  expect(items).toEqual(['= 0', '= 1']);
});

test('wrong arguments reject, and no task begins', async () => {
  await using pool = new Pool({ size: 1 });
  const error = await errorOf(pool.of(square, { args: numbers() }).run('3' as never));
  expect(error).toBeInstanceOf(InvalidMessageError);
  expect(error.message).toContain('the arguments of square: ');
  expect(pool.stats).toMatchObject({ completed: 0, failed: 0 });
});

test('arguments that a schema makes no list of reject', async () => {
  await using pool = new Pool({ size: 1 });
  const calls = pool.of(square, { args: schema(() => 'text') as never });
  expect((await errorOf(calls.run(1))).message).toBe(
    "schemas.args: expected an array of arguments from the schema, not 'text'",
  );
});

test('a wrong result rejects', async () => {
  await using pool = new Pool(square, { size: 1 });
  const error = await errorOf(pool.of(square, { result: text }).run(8));
  expect(error).toBeInstanceOf(InvalidMessageError);
  expect(error.message).toContain('the result of square: ');
});

test('a wrong item ends a map, and cancels its other tasks', async () => {
  await using pool = new Pool(square, { size: 1 });
  const results = pool.of(square, { args: numbers() }).map([1, 'x' as never, 2]);
  expect(await results.next()).toEqual({ done: false, value: 1 });
  expect(await errorOf(results.next())).toBeInstanceOf(InvalidMessageError);
});

test('the arguments of a map with spread are checked as a list', async () => {
  await using pool = new Pool({ size: 1 });
  const upper = schema((value) => (value as string[]).map((word) => word.toUpperCase()));
  for await (const value of pool.of(join, { args: upper }).map([['a', 'b']], { spread: true }))
    expect(value).toBe('A-B');
});

test.each([
  ['schemas.args: expected a schema', { args: {} as never }],
  ['schemas.result: expected a schema', { result: 5 as never }],
  ['schemas', { results: text } as never],
])('wrong %s are refused', async (name, schemas) => {
  await using pool = new Pool(square, { size: 1 });
  const error = thrownBy(() => pool.of(square, schemas));
  expect(error).toBeInstanceOf(TypeError);
  expect(error.message).toContain(name);
});
