import { describeValue, reasonOf } from '@aiopipe/core/internal';
import { expect, test } from 'vitest';

const throwing = () => {
  throw new Error('no');
};

test.each<[string, unknown, string, string]>([
  ['an error', new TypeError('wrong'), 'TypeError: wrong', 'wrong'],
  ['a string', 'wrong', "'wrong'", "'wrong'"],
  ['an object', { code: 1 }, '{ code: 1 }', '{ code: 1 }'],
  [
    'an error whose name is a symbol',
    Object.assign(new Error('wrong'), { name: Symbol('x') }),
    'Error: wrong',
    'wrong',
  ],
  [
    'an error whose name cannot be read',
    Object.defineProperty(new Error('wrong'), 'name', { get: throwing }),
    'Error: wrong',
    'wrong',
  ],
  ['an error whose message is no string', Object.assign(new Error(), { message: 7 }), 'Error: 7', '7'],
  [
    'an error whose message cannot be read',
    Object.defineProperty(new Error(), 'message', { get: throwing }),
    'an object that cannot be shown',
    'an object that cannot be shown',
  ],
  [
    'an object whose inspector throws',
    { [Symbol.for('nodejs.util.inspect.custom')]: throwing },
    'an object that cannot be shown',
    'an object that cannot be shown',
  ],
])('%s is put into words', (_what, value, described, reason) => {
  expect(describeValue(value)).toBe(described);
  expect(reasonOf(value)).toBe(reason);
});

test('a long text is cut, and the message says by how much', () => {
  const error = new Error('x'.repeat(5000));
  expect(reasonOf(error)).toBe(`${'x'.repeat(2000)}… (3000 more characters)`);
  expect(describeValue(error)).toBe(`Error: ${'x'.repeat(1993)}… (3007 more characters)`);
});
