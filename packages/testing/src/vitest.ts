import { basename } from 'node:path';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { compileFixtures, fixture } from './fixtures.js';
import { buildIfOlder } from './fresh-build.js';
import { TEST_LIMIT } from './limits.js';

/**
 * How every package runs its tests: against what was built, as a user gets it, with the fixtures compiled first. A
 * test that imports `./fixtures/name.js` gets the compiled module, the same that a child process loads, with the
 * types of its source.
 */
export function preset(): ViteUserConfig {
  const packageDir = process.cwd();
  buildIfOlder(packageDir);
  return defineConfig({
    plugins: [
      {
        name: 'compiled-fixtures',
        enforce: 'pre',
        buildStart: () => compileFixtures(packageDir),
        resolveId(source) {
          if (!/(^|\/)fixtures\/[^/]+\.js$/.test(source)) return undefined;
          return { id: fixture(basename(source, '.js'), packageDir), external: true };
        },
      },
    ],
    test: {
      include: ['test/**/*.test.ts'],
      pool: 'forks',
      // Vitest leaves a core to itself, but much of the time of these tests is spent waiting for processes.
      maxWorkers: 2,
      execArgv: ['--expose-gc'],
      testTimeout: TEST_LIMIT,
      hookTimeout: TEST_LIMIT,
      server: { deps: { external: [/\/dist\//, /\/\.fixtures\//] } },
      // What ran in the tests' own processes, by source file. Child processes are not counted: most are killed, and a killed
      // process reports nothing.
      coverage: { provider: 'v8', include: ['dist/*.js'], reporter: ['text-summary'] },
    },
  });
}
