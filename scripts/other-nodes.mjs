// Nodes of other versions. They come from npm, and stay in a folder that git ignores; remove it to get newer ones.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './suites.mjs';

const cache = join(root, 'node_modules/.cache/nodes');

/** The path of Node's program of a major version. Exits with npm's message if npm does not have it. */
export function nodeOf(major) {
  const directory = join(cache, `${process.platform}-${process.arch}-${major}`);
  const name = `node-${process.platform}-${process.arch}`;
  const path = join(directory, 'node_modules', name, 'bin/node');
  if (existsSync(path)) return path;
  console.error(`getting Node ${major} …`);
  mkdirSync(directory, { recursive: true });
  const words = ['install', '--prefix', directory, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync('npm', [...words, `${name}@${major}`], { stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
  return path;
}

/** Its whole version: v24.1.0. Exits if it does not run here: npm's Nodes for Linux need glibc. */
export function versionOf(node) {
  const { status, stdout, error } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  if (status === 0) return stdout.trim();
  console.error(`${node} does not run here${error === undefined ? '' : `: ${error.message}`}`);
  process.exit(1);
}
