import { defineConfig, type Options } from 'tsup';

/** One way to build every package: ESM for the lowest supported Node, with source maps; `tsc` makes the declarations beside it. */
export const build = (entry: Record<string, string>, more: Options = {}) =>
  defineConfig({
    entry,
    format: 'esm',
    target: 'node20',
    platform: 'node',
    sourcemap: true,
    splitting: true,
    clean: true,
    dts: false,
    // Class names are seen: in inspected values and in messages.
    keepNames: true,
    ...more,
  });
