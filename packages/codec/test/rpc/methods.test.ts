import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { expose, type Channel } from '@aiopipe/codec';
import { CALL, ERROR, RESULT, thrownBy, withPair } from './helpers.js';

afterAll(leakCheck());

/** Calls by raw messages, as a peer may that has no proxy. Returns the answers in the order of the names. */
async function callAll(raw: Channel, names: readonly unknown[]): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const [index, name] of names.entries()) {
    await raw.put([CALL, index + 1, name, []]);
    const [kind, id, value] = (await raw.get()) as [number, number, unknown];
    expect(id).toBe(index + 1);
    answers.push(kind === RESULT ? value : kind === ERROR ? 'refused' : kind);
  }
  return answers;
}

test('the methods are the own enumerable ones, and those of the classes', async () => {
  class Base {
    inherited() {
      return 'of Base';
    }
    both() {
      return 'of Base';
    }
  }
  class Derived extends Base {
    override both() {
      return 'of Derived';
    }
    own = () => 'own';
    field = 3;
    static of() {
      return 'static';
    }
  }
  const object = Object.defineProperty(new Derived(), 'hidden', { value: () => 'hidden', enumerable: false });
  await withPair(async (raw, there) => {
    expose(there, object);
    expect(await callAll(raw, ['inherited', 'both', 'own', 'field', 'of', 'hidden', 'missing', ''])).toEqual([
      'of Base',
      'of Derived',
      'own',
      'refused',
      'refused',
      'refused',
      'refused',
      'refused',
    ]);
  });
});

test('a class without a prototype above it, and an object without one, have methods, too', async () => {
  const bare = Object.assign(Object.create(null) as object, { one: () => 1 });
  await withPair(async (raw, there) => {
    expose(there, bare);
    expect(await callAll(raw, ['one'])).toEqual([1]);
  });
});

describe('a forged message calls no', () => {
  const reserved = ['then', 'toJSON', ...Object.getOwnPropertyNames(Object.prototype)];

  test('member of Object.prototype, `then` or `toJSON`, not even an own one', async () => {
    const called: string[] = [];
    const object: Record<string, () => void> = { ok: () => undefined };
    for (const name of reserved) {
      Object.defineProperty(object, name, { value: () => called.push(name), enumerable: true });
    }
    await withPair(async (raw, there) => {
      expose(there, object);
      expect(new Set(await callAll(raw, reserved))).toEqual(new Set(['refused']));
      expect(called).toEqual([]);
    });
  });

  test('symbol, and none that the program put into Object.prototype', async () => {
    Object.defineProperty(Object.prototype, 'polluted', { value: () => 'called', configurable: true });
    try {
      await withPair(async (raw, there) => {
        expose(there, { ok: () => 1, [Symbol.iterator]: () => 1 });
        expect(await callAll(raw, ['polluted', 'Symbol(Symbol.iterator)', '@@iterator'])).toEqual([
          'refused',
          'refused',
          'refused',
        ]);
      });
    } finally {
      delete (Object.prototype as { polluted?: unknown }).polluted;
    }
  });

  test('getter, and runs none', async () => {
    let ran = 0;
    class WithGetter {
      get computed() {
        ran++;
        return () => 'computed';
      }
      ok() {
        return 1;
      }
    }
    const object = Object.defineProperty(new WithGetter(), 'own', {
      get: () => {
        ran++;
        return () => 'own';
      },
      enumerable: true,
    });
    await withPair(async (raw, there) => {
      expose(there, object);
      expect(await callAll(raw, ['computed', 'own', 'ok'])).toEqual(['refused', 'refused', 1]);
      expect(ran).toBe(0);
    });
  });

  test('method that was added later', async () => {
    const object: Record<string, () => number> = { one: () => 1 };
    await withPair(async (raw, there) => {
      expose(there, object);
      object['two'] = () => 2;
      expect(await callAll(raw, ['one', 'two'])).toEqual([1, 'refused']);
    });
  });
});

test('an object without methods throws TypeError', async () => {
  await withPair(async (here) => {
    for (const wrong of [{}, { field: 1 }, Object.create({ field: 1 }) as object]) {
      expect(thrownBy(() => expose(here, wrong)).message).toMatch(/^expose: the object has no methods/);
    }
    for (const wrong of [null, undefined, 3, 'text', () => 1]) {
      expect(thrownBy(() => expose(here, wrong as never)).message).toMatch(/^expose: expected an object with methods/);
    }
    // The channel is still free.
    expose(here, { one: () => 1 });
  });
});
