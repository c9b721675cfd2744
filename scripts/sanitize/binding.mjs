// The binding's sources, and how a sanitizer's build of them is made.
import { spawnSync } from 'node:child_process';
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bindingFor, nativeDir } from '../../packages/core/scripts/binding.mjs';
import { headersPrefix } from '../../packages/core/scripts/headers.mjs';
import { run } from '../children.mjs';
import { root } from '../suites.mjs';
import { copyOfNode, copyWithBinding, preprocessing } from '../workspace-copy.mjs';

export { nativeDir as native, preprocessing as options, root };

export const { sources } = bindingFor('linux');

/** The path of gcc's runtime library of that name, or undefined. */
export function library(name) {
  const path = spawnSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout?.trim() ?? name;
  return path === name ? undefined : path;
}

/**
 * Makes a copy of the workspace with the binding built by these options, and a copy of Node that loads the sanitizer's library before
 * all others. LD_PRELOAD would do that as well, but every program that a test starts would inherit it.
 */
export async function sanitized(directory, words, runtime) {
  const copy = await copyWithBinding(directory, sources, ['-O1', '-g', ...words]);
  const node = copyOfNode(directory);
  const include = join(headersPrefix(), 'include');
  if (existsSync(include)) symlinkSync(include, join(directory, 'node/include'));
  const patched = await run(['patchelf', '--add-needed', library(runtime), node]);
  if (patched.end !== 0) throw new Error(patched.output);
  return { copy, node };
}

/** Writes a file into the directory. Returns its path. */
export function fileIn(directory, name, text) {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}
