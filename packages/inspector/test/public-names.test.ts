import * as inspector from '@aiopipe/inspector';
import { expect, test } from 'vitest';

test('the package exports two values', () => {
  expect(Object.keys(inspector)).toEqual(['servePage', 'snapshot']);
  expect(inspector.snapshot).toHaveProperty('name', 'snapshot');
});
