import { readFileSync } from 'node:fs';
import { deserialize, register, serialize } from '@aiopipe/codec';
import { expect, test } from 'vitest';

class Point {
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}
}
register(Point, { name: 'geo/Point', reduce: (p) => [p.x, p.y] as const, revive: ([x, y]) => new Point(x, y) });

const document = readFileSync(new URL('../../../docs/wire-format.md', import.meta.url), 'utf8');
const examples = [
  ...document.slice(document.indexOf('## Examples')).matchAll(/^\| `([^`]+)` +\| `([0-9a-f ]+)` +\|$/gm),
].map(([, expression, hex]): [string, string] => [expression as string, hex as string]);

test('there are examples', () => {
  expect(examples.length).toBeGreaterThan(40);
});

test.each(examples)('%s is %s', (expression, hex) => {
  const value: unknown = new Function('Point', `return (${expression})`)(Point);
  const bytes = serialize(value);
  expect(bytes.toString('hex').replace(/..(?!$)/g, '$& ')).toBe(hex);
  expect(serialize(deserialize(bytes)).equals(bytes)).toBe(true);
});
