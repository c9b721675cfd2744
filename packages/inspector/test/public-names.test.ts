import * as inspector from '@aiopipe/inspector';
import { expect, test } from 'vitest';

test('snapshot is the only value that the package exports', () => {
  expect(Object.keys(inspector)).toEqual(['snapshot']);
  expect(inspector.snapshot).toHaveProperty('name', 'snapshot');
});
