import { addContextCarrier, type ContextCarrier } from '@aiopipe/core';
import { injectContext, readContext, runInContext, spawn } from '@aiopipe/core/internal';
import { noteWarnings, thrownBy } from '@aiopipe/testing';
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const tenant = new AsyncLocalStorage<string>();
const ofTenant: ContextCarrier = {
  name: 'tenant',
  inject: () => tenant.getStore(),
  extract: (carried, run) => {
    tenant.run(carried, run);
  },
};

describe('addContextCarrier()', () => {
  test.each([
    ['no object', 1, /carrier: expected an object/],
    ['null', null, /carrier: expected an object/],
    ['a carrier without a name', { ...ofTenant, name: '' }, /name: expected a name/],
    ['a carrier without inject()', { ...ofTenant, inject: undefined }, /carrier.inject: expected a function/],
    ['a carrier without extract()', { ...ofTenant, extract: 'x' }, /carrier.extract: expected a function, not 'x'/],
  ])('refuses %s', (_name, carrier, message) => {
    const error = thrownBy(() => addContextCarrier(carrier as never));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(message);
  });

  test('refuses a second carrier of one name, until the first one is removed', () => {
    const added = addContextCarrier(ofTenant);
    expect(thrownBy(() => addContextCarrier({ ...ofTenant })).message).toMatch(/one with the name 'tenant' already/);
    added[Symbol.dispose]();
    addContextCarrier({ ...ofTenant })[Symbol.dispose]();
    expect(injectContext()).toBeUndefined();
  });
});

describe('a context crosses', () => {
  test('as the strings of all carriers that have one, and enters all of them again', () => {
    const user = new AsyncLocalStorage<string>();
    using _one = addContextCarrier(ofTenant);
    using _two = addContextCarrier({
      name: '__proto__',
      inject: () => user.getStore(),
      extract: (carried, run) => user.run(carried, run),
    });
    const none = injectContext();
    const some = tenant.run('acme', injectContext);
    const all = tenant.run('acme', () => user.run('ann', injectContext));
    expect(none).toBeUndefined();
    expect({ ...some }).toEqual({ tenant: 'acme' });
    expect(Object.entries(all ?? {})).toEqual([
      ['tenant', 'acme'],
      ['__proto__', 'ann'],
    ]);
    expect(runInContext(all, () => [tenant.getStore(), user.getStore()])).toEqual(['acme', 'ann']);
    expect(runInContext(some, () => [tenant.getStore(), user.getStore()])).toEqual(['acme', undefined]);
  });

  test('with what the function returns or throws, whatever extract() returns', () => {
    using _ = addContextCarrier(ofTenant);
    const context = { tenant: 'acme' };
    expect(runInContext(context, () => 5)).toBe(5);
    expect(thrownBy(() => runInContext(context, () => JSON.parse('{')))).toBeInstanceOf(SyntaxError);
  });

  test('only if it has the form of one', () => {
    for (const value of [undefined, null, 1, 'x', [], ['a'], { a: 1 }, { a: 'x', b: null }])
      expect(readContext(value)).toBeUndefined();
    expect(readContext({ a: 'x' })).toEqual({ a: 'x' });
    expect(readContext({})).toEqual({});
  });
});

describe('a carrier that fails', () => {
  const warnings = noteWarnings({ beforeEach, afterEach });

  test('costs its own context, no call and one warning', async () => {
    const fail = () => {
      throw new RangeError('of the carrier');
    };
    using _one = addContextCarrier({ name: 'fails', inject: fail, extract: fail });
    using _two = addContextCarrier({ name: 'forgets', inject: () => 'x', extract: () => undefined });
    using _three = addContextCarrier({
      name: 'calls twice',
      inject: () => 'x',
      extract: (_carried, run) => {
        run();
        run();
      },
    });
    using _four = addContextCarrier(ofTenant);
    expect({ ...tenant.run('acme', injectContext) }).toEqual({ forgets: 'x', 'calls twice': 'x', tenant: 'acme' });
    let calls = 0;
    const context = { fails: 'x', forgets: 'x', 'calls twice': 'x', tenant: 'acme' };
    expect(runInContext(context, () => [++calls, tenant.getStore()])).toEqual([1, 'acme']);
    await new Promise(setImmediate);
    const told = warnings.filter(({ code }) => code === 'AIOPIPE_CARRIER_FAILED');
    expect(told).toHaveLength(1);
    expect(told[0]?.message).toMatch(/'fails' failed: RangeError: of the carrier; calls go on/);
  });

  test('costs no call, whatever value its methods return', async () => {
    const odd: (() => unknown)[] = [
      () => 5,
      () => null,
      () => Symbol('x'),
      () => Object.create(null),
      () => Promise.reject(new Error('of a method')),
      () => ({ 'A=B': 'x' }),
      () => ({ text: 'a\0b' }),
    ];
    for (const method of odd) {
      const none = { name: 'odd', inject: () => undefined, extract: () => undefined };
      {
        using _ = addContextCarrier({ ...none, inject: method as never });
        expect(injectContext()).toBeUndefined();
      }
      using _ = addContextCarrier({ ...none, env: method as never });
      expect((await spawn({ file: 'true', argv: ['true'], fds: new Map() }).exited).exitCode).toBe(0);
    }
  });

  test('and rejects ends no program', async () => {
    using _ = addContextCarrier({
      name: 'rejects',
      inject: () => undefined,
      extract: async (_carried, run) => {
        run();
        await Promise.reject(new Error('of extract()'));
      },
    });
    expect(runInContext({ rejects: 'x' }, () => 5)).toBe(5);
    await new Promise(setImmediate);
  });
});
