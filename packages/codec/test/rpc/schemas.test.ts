import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { aiopipe } from '@aiopipe/core';
import { expose, proxy, type StandardSchema } from '@aiopipe/codec';
import { errorOf, thrownBy, withPair } from './helpers.js';

afterAll(leakCheck());

/** A schema of a function that throws, at once or later. */
function schema(check: (value: unknown) => unknown, isSlow = false): StandardSchema {
  const validate = (value: unknown) => {
    try {
      return { value: check(value) };
    } catch (error) {
      return { issues: [{ message: (error as Error).message }] };
    }
  };
  return {
    '~standard': { version: 1, vendor: 'test', validate: isSlow ? async (value) => validate(value) : validate },
  };
}

const numbers = (value: unknown) => {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'number')) throw new Error('not numbers');
  return value.map((item: number) => Math.trunc(item));
};
const positive = (value: unknown) => {
  if (typeof value !== 'number' || value <= 0) throw new Error('not positive');
  return value;
};

describe.each([
  ['a schema', false],
  ['an asynchronous schema', true],
])('%s', (_name, isSlow) => {
  test('of arguments checks them before the method sees them, and gives it what it makes of them', async () => {
    await withPair(async (here, there) => {
      const calls: number[][] = [];
      const add = (...list: number[]) => {
        calls.push(list);
        return list.reduce((sum, n) => sum + n, 0);
      };
      expose(there, { add, other: (text: string) => text }, { schemas: { add: schema(numbers, isSlow) } });
      const remote = proxy<{ add(...list: unknown[]): number; other(text: string): string }>(here);
      expect(await remote.add(1.7, 2)).toBe(3);
      expect(await errorOf(remote.add(1, 'x'))).toMatchObject({
        name: 'InvalidMessageError',
        code: 'ERR_AIOPIPE_INVALID_MESSAGE',
        message: 'the arguments of add(): a message is not valid: not numbers',
        issues: [{ message: 'not numbers' }],
      });
      expect(await remote.other('as it is')).toBe('as it is');
      expect(calls).toEqual([[1, 2]]);
    });
  });

  test('of a result checks it, and each item of a generator', async () => {
    await withPair(async (here, there) => {
      let hasEnded = false;
      expose(there, {
        give: (n: number) => n,
        *items() {
          try {
            yield 1;
            yield -1;
            yield 2;
          } finally {
            hasEnded = true;
          }
        },
      });
      const schemas = { give: schema(positive, isSlow), items: schema(positive, isSlow) };
      const remote = proxy<{ give(n: number): number; items(): Generator<number> }>(here, { schemas });
      expect(await remote.give(3)).toBe(3);
      expect(await errorOf(remote.give(-3))).toMatchObject({
        code: 'ERR_AIOPIPE_INVALID_MESSAGE',
        message: 'the result of give(): a message is not valid: not positive',
      });
      const items = remote.items();
      expect(await items.next()).toEqual({ done: false, value: 1 });
      expect(await errorOf(items.next())).toMatchObject({ code: 'ERR_AIOPIPE_INVALID_MESSAGE' });
      expect(await items.next()).toEqual({ done: true, value: undefined });
      await remote.give(1);
      expect(hasEnded).toBe(true);
    });
  });
});

test('handles in arguments that are not valid are closed', async () => {
  await withPair(async (here, there) => {
    expose(there, { take: () => 1 }, { schemas: { take: schema(numbers) } });
    const [rx, tx] = aiopipe();
    expect(await errorOf(proxy<{ take(end: unknown): number }>(here).take(tx))).toMatchObject({
      code: 'ERR_AIOPIPE_INVALID_MESSAGE',
    });
    await using reader = rx.open();
    expect(await reader.read()).toHaveLength(0);
  });
});

test('a schema that makes no list of arguments fails the call', async () => {
  await withPair(async (here, there) => {
    expose(there, { take: () => 1 }, { schemas: { take: schema(() => 'text') } });
    expect((await errorOf(proxy<{ take(): number }>(here).take())).message).toBe(
      "schemas.take: expected an array of arguments from the schema, not 'text'",
    );
  });
});

describe('wrong options throw TypeError', () => {
  test.each<[call: 'expose' | 'proxy', options: object, message: string | RegExp]>([
    ['expose', { maxcalls: 1 }, 'maxcalls: unknown option; did you mean maxCalls?'],
    ['expose', { maxCalls: 0 }, /^maxCalls: expected a whole number of calls, 1 or more, not 0$/],
    ['expose', { schemas: 3 }, /^schemas: expected an object with a schema for each method, not 3$/],
    ['expose', { schemas: { add: {} } }, /^schemas.add: expected a schema with '~standard' .*, not \{\}$/],
    ['proxy', { windw: 1 }, 'windw: unknown option; did you mean window?'],
    ['proxy', { window: 0 }, /^window: expected a whole number of items, from 1 to 1000000, not 0$/],
    ['proxy', { maxFunctions: -1 }, /^maxFunctions: expected a whole number of functions, 0 or more, not -1$/],
    ['proxy', { schemas: { add: null } }, /^schemas.add: expected a schema with '~standard' .*, not null$/],
  ])('%s %o', async (call, options, message) => {
    await withPair(async (here, there) => {
      const error = thrownBy(() =>
        call === 'expose' ? expose(here, { add: () => 1 }, options) : proxy(here, options),
      );
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(message);
      // The channel is still free.
      void there.put(1);
      expect(await here.get()).toBe(1);
    });
  });
});
