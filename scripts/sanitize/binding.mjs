// The binding's sources, and how a sanitizer's build of them is made.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { headersPrefix } from '../../packages/core/scripts/headers.mjs';
import { run } from './children.mjs';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const native = join(root, 'packages/core/native');

const { target_name, sources, defines, cflags } = JSON.parse(
  readFileSync(join(native, 'binding.gyp'), 'utf8').replaceAll('<(OS)', 'linux'),
).targets[0];

export { sources };

/** Folders that no suite of the four packages needs. */
const LEFT_OUT = ['.git', '.turbo', 'bench', 'torture'];

/** The compiler's options for the sources. */
export function options() {
  const prefix = headersPrefix();
  if (prefix === undefined) return undefined;
  const macros = [...defines, `NODE_GYP_MODULE_NAME=${target_name}`].map((define) => `-D${define}`);
  return ['-std=gnu11', ...macros, ...['include/node', 'include'].map((path) => `-I${join(prefix, path)}`)];
}

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
  const copy = join(directory, 'workspace');
  mkdirSync(copy);
  const names = readdirSync(root).filter((name) => !LEFT_OUT.includes(name));
  // cp takes seconds; Node's cpSync() takes minutes.
  const copied = await run(['cp', '-a', ...names.map((name) => join(root, name)), copy]);
  if (copied.end !== 0) throw new Error(copied.output);
  const target = join(copy, 'packages/core/native/build/Release', `${target_name}.node`);
  const flags = cflags.filter((flag) => !/^-(std|O)/.test(flag));
  const compiled = await run(
    ['gcc', '-shared', '-fPIC', '-pthread', ...flags, '-O1', '-g', ...words, ...options(), ...sources, '-o', target],
    { cwd: join(copy, 'packages/core/native') },
  );
  if (compiled.end !== 0) throw new Error(compiled.output);

  const node = join(directory, 'node/bin/node');
  mkdirSync(dirname(node), { recursive: true });
  cpSync(process.execPath, node);
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
