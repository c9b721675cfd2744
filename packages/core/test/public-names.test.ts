import * as core from '@aiopipe/core';
import { expect, test } from 'vitest';

const callables = Object.entries(core).filter(([, value]) => typeof value === 'function');

test.each(callables)('%s is shown by its own name', (name, value) => {
  expect(value).toHaveProperty('name', name);
});
