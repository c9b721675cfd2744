// The page of guarantees names a test for each. A test that was renamed or deleted must not stay in the page.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { docs } from './pages.js';

const page = readFileSync(join(docs, 'guarantees.md'), 'utf8');
const named = [...page.matchAll(/\[[\w-]+\.test\.ts\]\((\S+)\): (.+?)(?: *\||\)\. )/g)].map(
  ([, path = '', name = '']) => ({
    path,
    name,
  }),
);

test('the page of guarantees names tests', () => {
  expect(named.length).toBeGreaterThan(40);
});

test.each(named)('$name', ({ path, name }) => {
  const file = readFileSync(join(docs, path), 'utf8');
  expect(file).toContain(`'${name}',`);
});
