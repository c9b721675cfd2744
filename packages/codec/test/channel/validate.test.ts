import { afterAll, describe, expect, expectTypeOf, test } from 'vitest';
import { fdsSince, leakCheck, openFds } from '@aiopipe/testing';
import { aiopipe, BusyError, TimeoutError, type ReadEnd } from '@aiopipe/core';
import {
  channel,
  type ChannelReader,
  InvalidMessageError,
  merge,
  type Channel,
  type StandardSchema,
} from '@aiopipe/codec';
import { errorOf, isPending, thrownBy, turns } from './helpers.js';

afterAll(leakCheck());

type Validate<Output> = StandardSchema<Output>['~standard']['validate'];

function schema<Output>(validate: Validate<Output>): StandardSchema<Output> {
  return { '~standard': { version: 1, vendor: 'test', validate } };
}

/** Numbers, which it doubles. */
const doubled = schema<number>((value) =>
  typeof value === 'number' ? { value: value * 2 } : { issues: [{ message: 'not a number', path: ['n', { key: 0 }] }] },
);

/** The same, each when it is let through. */
function slow(): { slowly: StandardSchema<number>; letThrough(): void; readonly working: number } {
  const gates: (() => void)[] = [];
  const slowly = schema<number>(async (value) => {
    await new Promise<void>((resolve) => gates.push(resolve));
    return (doubled['~standard'].validate as (value: unknown) => { value: number })(value);
  });
  return {
    slowly,
    letThrough: () => gates.shift()?.(),
    get working() {
      return gates.length;
    },
  };
}

describe('a schema', () => {
  test('says what each message is from then on, and the handle has its type', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    for (const i of [1, 2, 3, 4]) await w.put(i);
    expect(await r.get()).toBe(1);
    const numbers = r.validate(doubled);
    expectTypeOf(numbers).toEqualTypeOf<ChannelReader<number>>();
    expect(numbers).toBe(r);
    expect([await numbers.get(), numbers.tryGet()]).toEqual([4, { value: 6 }]);
    for await (const value of numbers) {
      expect(value).toBe(8);
      break;
    }
    w.close();
  });

  test('is for what a duplex channel receives', async () => {
    using pair = channel<string, unknown>({ duplex: true });
    const [a, b] = pair;
    const numbers = a.validate(doubled);
    expectTypeOf(numbers).toEqualTypeOf<Channel<string, number>>();
    const get = numbers.get();
    await b.put(5);
    expect(await get).toBe(10);
    await a.put('not validated');
    expect(await b.get()).toBe('not validated');
  });

  test('rejects the get of a message that is not valid, alone, with its issues', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    r.validate(doubled);
    const gets = [r.get(), r.get(), r.get()];
    for (const value of [1, 'one', 2]) await w.put(value);
    expect([await gets[0], await gets[2]]).toEqual([2, 4]);
    const error = await errorOf(gets[1] as Promise<unknown>);
    expect(error).toBeInstanceOf(InvalidMessageError);
    expect(error).toMatchObject({
      name: 'InvalidMessageError',
      code: 'ERR_AIOPIPE_INVALID_MESSAGE',
      issues: [{ message: 'not a number', path: ['n', { key: 0 }] }],
    });
    expect(error.message).toMatch(/^channel reader made at .*validate\.test\.ts:\d+:\d+: .*: n\.0: not a number$/);
    await w.put('two');
    expect(thrownBy(() => r.tryGet())).toBeInstanceOf(InvalidMessageError);
    await w.put(3);
    expect(await r.get()).toBe(6);
  });

  test('shows three issues, and how many more there are', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    r.validate(schema(() => ({ issues: ['a', 'b', 'c', 'd', 'e'].map((message) => ({ message })) })));
    await w.put(1);
    expect((await errorOf(r.get())).message).toMatch(/: a; b; c; and 2 more$/);
  });

  test('that throws, or rejects, or returns nothing is an InvalidMessageError with that as cause', async () => {
    const cause = new Error('a bug in it');
    for (const validate of [
      () => {
        throw cause;
      },
      () => Promise.reject(cause),
      () => undefined,
    ] as Validate<never>[]) {
      using pair = channel<unknown>();
      const [r, w] = pair;
      r.validate(schema(validate));
      await w.put(1);
      const error = await errorOf(r.get());
      expect(error).toMatchObject({ code: 'ERR_AIOPIPE_INVALID_MESSAGE', issues: [] });
      expect(error.cause).toBeInstanceOf(Error);
      r.validate(doubled);
      await w.put(1);
      expect(await r.get()).toBe(2);
    }
  });

  test('is replaced by a later one', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    r.validate(schema(() => ({ issues: [{ message: 'never' }] }))).validate(doubled);
    await w.put(2);
    expect(await r.get()).toBe(4);
  });

  test('stays here when the handle moves', async () => {
    using carrier = channel<unknown>();
    const [r, w] = channel<unknown>();
    await w.put('anything');
    await carrier[1].put(r.validate(doubled));
    const there = (await carrier[0].get()) as ChannelReader;
    expect(await there.get()).toBe('anything');
    there.close();
    w.close();
  });

  test('that is none is a TypeError at once', () => {
    using pair = channel({ duplex: true });
    const [a] = pair;
    for (const bad of [undefined, {}, doubled['~standard'], { '~standard': { version: 2 } }]) {
      const error = thrownBy(() => a.validate(bad as never));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(/^validate: expected a schema with '~standard' .*, not (undefined|\{)/);
    }
  });
});

describe('a schema that takes its time', () => {
  test('keeps the order of messages and gets', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    const { slowly, letThrough } = slow();
    r.validate(slowly);
    const settled: unknown[] = [];
    const gets = [1, 2, 3].map(() =>
      r.get().then(
        (value) => settled.push(value),
        (error: Error) => settled.push(error.name),
      ),
    );
    for (const value of [1, 'two', 3]) await w.put(value);
    for (let i = 0; i < 3; i++) {
      await turns();
      letThrough();
    }
    await Promise.all(gets);
    expect(settled).toEqual([2, 'InvalidMessageError', 6]);
  });

  test('works on one message at a time, and leaves the loop idle meanwhile', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    const gate = slow();
    r.validate(gate.slowly);
    for (const value of [1, 2]) await w.put(value);
    const gets = [r.get(), r.get()];
    await turns();
    expect(gate.working).toBe(1);
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(process.cpuUsage(before).user).toBeLessThan(40_000);
    gate.letThrough();
    expect(await gets[0]).toBe(2);
    gate.letThrough();
    expect(await gets[1]).toBe(4);
  });

  test('and a get that times out leave the message to the next one, to tryGet or to merge', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    const { slowly, letThrough } = slow();
    r.validate(slowly);
    for (const value of [1, 2, 3]) await w.put(value);
    expect(await errorOf(r.get({ timeout: 1 }))).toBeInstanceOf(TimeoutError);
    letThrough();
    await turns();
    expect(await r.get()).toBe(2);
    expect(r.tryGet()).toBeUndefined();
    letThrough();
    await turns();
    expect(r.tryGet()).toEqual({ value: 4 });
    const next = merge([r]).next();
    expect(await isPending(next)).toBe(true);
    letThrough();
    expect((await next).value).toBe(6);
  });

  test('holds a message with which the handle cannot move, but can be closed', async () => {
    using carrier = channel<unknown>();
    const [r, w] = channel<unknown>();
    const { slowly, letThrough } = slow();
    r.validate(slowly);
    await w.put(1);
    expect(r.tryGet()).toBeUndefined();
    expect(await errorOf(carrier[1].put(r))).toBeInstanceOf(BusyError);
    r.close();
    letThrough();
    await turns();
    w.close();
  });
});

describe('handles in a message', () => {
  test('that is not valid are closed, at once or later', async () => {
    for (const isSlow of [false, true]) {
      const before = openFds();
      const [r, w] = channel<unknown>();
      const { slowly, letThrough } = slow();
      r.validate(isSlow ? slowly : doubled);
      const [rx, tx] = aiopipe();
      await w.put({ list: [rx, tx.open(), channel()] });
      const error = errorOf(r.get());
      letThrough();
      expect(await error).toBeInstanceOf(InvalidMessageError);
      for (const end of [r, w]) end.close();
      expect(fdsSince(before)).toEqual([]);
    }
  });

  test('that is being validated when the channel is closed are closed', async () => {
    const before = openFds();
    const [r, w] = channel<unknown>();
    r.validate(schema(() => new Promise(() => undefined)));
    const [rx, tx] = aiopipe();
    await w.put({ rx, tx });
    expect(r.tryGet()).toBeUndefined();
    for (const end of [r, w]) end.close();
    expect(fdsSince(before)).toEqual([]);
  });

  test('that is valid arrive', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    const [rx, tx] = aiopipe();
    const ends = r.validate(schema<{ rx: ReadEnd }>((value) => Promise.resolve({ value: value as { rx: ReadEnd } })));
    await w.put({ rx });
    const copy = await ends.get();
    expect(copy.rx.state).toBe('owned');
    copy.rx.close();
    tx.close();
  });
});
