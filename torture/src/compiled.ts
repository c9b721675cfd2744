import { spawnSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const paths = new Map<string, string | undefined>();

/** Compiles a file of `native/`. Returns the path of the result; undefined if there is no C compiler. */
export function compiled(source: string, kind: 'program' | 'preload'): string | undefined {
  if (!paths.has(source)) paths.set(source, compile(source, kind));
  return paths.get(source);
}

function compile(source: string, kind: 'program' | 'preload'): string | undefined {
  const from = fileURLToPath(new URL(`../native/${source}`, import.meta.url));
  const to = fileURLToPath(new URL(`./${source}.${kind === 'preload' ? 'so' : 'bin'}`, import.meta.url));
  // Another run of the torture may use the old file, so this replaces it.
  const fresh = `${to}.${String(process.pid)}`;
  const words = kind === 'preload' ? ['-shared', '-fPIC'] : [];
  if (spawnSync('cc', ['-O1', ...words, '-o', fresh, from, '-ldl']).status !== 0) return undefined;
  renameSync(fresh, to);
  return to;
}
