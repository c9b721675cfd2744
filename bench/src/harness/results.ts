import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { type RowResult } from './compare.js';
import { type Machine } from './machine.js';

/** All that a part has found: `bench/results/<part>.json`. */
export interface Results {
  readonly machine: Machine;
  readonly title: string;
  /** That the whole part took. */
  readonly seconds: number;
  readonly notes: readonly string[];
  readonly rows: readonly RowResult[];
}

export async function saveResults(part: string, results: Results): Promise<void> {
  const path = fileURLToPath(new URL(`../../results/${part}.json`, import.meta.url));
  await mkdir(fileURLToPath(new URL('../../results', import.meta.url)), { recursive: true });
  // As everything else in the tree, so that a run leaves the format check alone.
  await writeFile(path, await format(JSON.stringify(results), { ...(await resolveConfig(path)), parser: 'json' }));
}
