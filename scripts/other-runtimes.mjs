// Bun and Deno. They come from npm, and stay in a folder that git ignores; remove it to get newer ones.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** How each runtime runs a program of Node's. */
const runtimes = {
  bun: { packages: ['bun'], program: 'bun/bin/bun.exe', words: ['--bun'] },
  deno: { packages: ['deno'], program: 'deno/deno', words: ['run', '--allow-all', '--v8-flags=--expose-gc'] },
};

export const names = Object.keys(runtimes);

/** Returns the words that run a program on a runtime, which npm fetches if it is not there yet. Exits with npm's message if npm cannot. */
export function wordsFor(name, root) {
  const { packages, program, words } = runtimes[name];
  const directory = join(root, 'node_modules/.cache/runtimes', name);
  const path = join(directory, 'node_modules', program);
  if (!existsSync(path)) {
    process.stderr.write(`getting ${name} …\n`);
    mkdirSync(directory, { recursive: true });
    const options = ['--prefix', directory, '--no-audit', '--no-fund', '--loglevel=error'];
    const { status } = spawnSync('npm', ['install', ...options, ...packages], { stdio: ['ignore', 2, 2] });
    if (status !== 0) process.exit(status ?? 1);
  }
  return [path, ...words];
}

/** Its version: 1.4.5. */
export function versionOf([path]) {
  return /\d+\.\d+\.\d+/.exec(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout)?.[0] ?? '?';
}
