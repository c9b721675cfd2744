import { mergeConfig } from 'vitest/config';
import { preset } from '@aiopipe/testing/vitest';

export default mergeConfig(preset(), {
  test: {
    globalSetup: ['./test/packed.ts'],
    // Each test runs package managers, compilers and bundlers, which keep both cores of a small machine busy.
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
