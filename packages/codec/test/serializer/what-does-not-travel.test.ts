import { runInNewContext } from 'node:vm';
import { deserialize, serialize } from '@aiopipe/codec';
import { thrownBy } from '@aiopipe/testing';
import { describe, expect, test } from 'vitest';

function copyOf(value: unknown): unknown {
  return deserialize(serialize(value));
}

function withExtras<T extends object>(object: T): T {
  return Object.assign(object, { extra: 1 });
}

describe('a subclass of a built-in class that is not registered is refused', () => {
  test.each<[string, object]>([
    ['Array', new (class Mine extends Array {})()],
    ['Map', new (class Mine extends Map {})()],
    ['Set', new (class Mine extends Set {})()],
    ['Date', new (class Mine extends Date {})()],
    ['RegExp', new (class Mine extends RegExp {})('a')],
    ['Number', new (class Mine extends Number {})(1)],
    ['Uint8Array', new (class Mine extends Uint8Array {})(1)],
    ['ArrayBuffer', new (class Mine extends ArrayBuffer {})(1)],
    ['URL', new (class Mine extends URL {})('http://localhost/')],
    ['Promise', new (class Mine extends Promise<void> {})(() => undefined)],
    [
      'no other class',
      new (class Mine {
        own = 1;
      })(),
    ],
    ['Map of another realm', runInNewContext('new (class Mine extends Map {})()') as object],
  ])('%s', (_, value) => {
    expect(thrownBy(() => serialize({ value })).message).toBe(
      'value.value: an instance of Mine cannot be sent: its class is not registered; call register() for it on both sides, or send a plain object',
    );
  });
});

describe('what someone added to a built-in object arrives', () => {
  test.each<[string, () => object]>([
    ['an array with holes', () => withExtras([1, , 3])], // oxlint-disable-line no-sparse-arrays
    ['a long array with holes', () => withExtras(Object.assign([], { 70_000: 1 }))],
    ['the match of a RegExp', () => /(?<first>a)/.exec('xa') as object],
    ['a Map', () => withExtras(new Map([[1, 2]]))],
    ['a Set', () => withExtras(new Set([1]))],
    ['a Date', () => withExtras(new Date(1))],
    ['a RegExp', () => withExtras(Object.assign(/a/g, { lastIndex: 5 }))],
    ['a String object', () => withExtras(new String('text'))],
    ['a Number object', () => withExtras(new Number(-0))],
    ['a BigInt object', () => withExtras(Object(1n) as object)],
    ['an ArrayBuffer', () => withExtras(new ArrayBuffer(2))],
    ['an error', () => withExtras(new TypeError('odd', { cause: 1 }))],
  ])('%s', (_, make) => {
    const value = make();
    const copy = copyOf(value) as object;
    expect(Object.getPrototypeOf(copy)).toBe(Object.getPrototypeOf(value));
    expect(Object.entries(copy)).toEqual(Object.entries(value));
    expect(copy).toEqual(value);
  });
});

test.each<[string, unknown]>([
  ['text', '2'],
  ['an object', {}],
  ['nothing', undefined],
])('a RegExp whose lastIndex is %s is refused', (_, lastIndex) => {
  const value = Object.assign(/a/g, { lastIndex });
  expect(thrownBy(() => serialize([value])).message).toBe(
    'value[0]: a RegExp whose lastIndex is not a number cannot be sent',
  );
});

/** As the table "What does not travel" of docs/wire-format.md says. */
describe('what the wire format leaves out, as it says', () => {
  test.each<[string, unknown, unknown]>([
    ['a property whose key is a symbol', { a: 1, [Symbol.for('b')]: 2 }, { a: 1 }],
    ['a property that does not enumerate', Object.defineProperty({ a: 1 }, 'b', { value: 2 }), { a: 1 }],
    [
      'a getter',
      {
        get a() {
          return 1;
        },
      },
      { a: 1 },
    ],
    ['a setter alone', { set a(_: unknown) {} }, { a: undefined }],
    ['that it is frozen', Object.freeze({ a: 1 }), { a: 1 }],
    ['what was added to a view', withExtras(new Uint8Array(1)), new Uint8Array(1)],
    [
      'what a built-in object with another prototype is',
      Object.setPrototypeOf(new Map([[1, 2]]), Object.prototype),
      {},
    ],
    ['an arguments object', runInNewContext('(function () { return arguments; })(1)'), { 0: 1 }],
    ['Math', Math, {}],
  ])('%s', (_, value, expected) => {
    const copy = copyOf(value) as object;
    expect(copy).toStrictEqual(expected);
    expect(Reflect.ownKeys(copy)).toEqual(Reflect.ownKeys(expected as object));
    expect(Object.isFrozen(copy) && Object.keys(copy).length > 0).toBe(false);
  });

  test('the class of an error that is not registered, but not its name', () => {
    class Invalid extends RangeError {
      override name = 'Invalid';
      readonly field = 'age';
      #secret = 1;
      get secret() {
        return this.#secret;
      }
    }
    const copy = copyOf(new Invalid('too old')) as Invalid;
    expect(copy.constructor).toBe(RangeError);
    expect({ name: copy.name, message: copy.message, field: copy.field }).toEqual({
      name: 'Invalid',
      message: 'too old',
      field: 'age',
    });
    expect(copy.secret).toBeUndefined();
    class Unnamed extends Error {}
    expect((copyOf(new Unnamed('x')) as Error).name).toBe('Error');
  });

  test('a stack that is no text', () => {
    const error = Object.defineProperty(new Error('x'), 'stack', { value: [{ frame: 1 }] });
    expect(Object.hasOwn(copyOf(error) as object, 'stack')).toBe(false);
  });

  test('that a URL and its searchParams belong together', () => {
    const url = new URL('http://localhost/?a=1');
    const [copy, params] = copyOf([url, url.searchParams]) as [URL, URLSearchParams];
    params.set('a', '2');
    expect([copy.href, String(params)]).toEqual(['http://localhost/?a=1', 'a=2']);
  });
});
