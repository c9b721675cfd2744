// Copies of the workspace, whose binding is built in another way, and how their suites are run.
import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { bindingFor } from '../packages/core/scripts/binding.mjs';
import { headersPrefix } from '../packages/core/scripts/headers.mjs';
import { run } from './children.mjs';
import { failuresOf } from './failed-tests.mjs';
import { countsOf, root } from './suites.mjs';

/** The packages whose suites use the binding. */
export const SUITES = ['core', 'codec', 'process', 'subprocess'];

/** Folders that no suite of these packages needs. */
const LEFT_OUT = ['.git', '.turbo', 'bench', 'torture'];

/** The compiler's options that find the headers and set the macros; undefined if Node's headers are not there. */
export function preprocessing(system = 'linux') {
  const prefix = headersPrefix();
  if (prefix === undefined) return undefined;
  const macros = bindingFor(system).defines.map((define) => `-D${define}`);
  return ['-std=gnu11', ...macros, ...['include/node', 'include'].map((path) => `-I${join(prefix, path)}`)];
}

/** Makes a copy of the workspace in the directory. Returns its path. */
export async function copyWorkspace(directory) {
  const copy = join(directory, 'workspace');
  mkdirSync(copy);
  const names = readdirSync(root).filter((name) => !LEFT_OUT.includes(name));
  // cp takes seconds; Node's cpSync() takes minutes.
  await mustRun(['cp', '-a', ...names.map((name) => join(root, name)), copy]);
  return copy;
}

/** Makes a copy of the workspace. Its binding is built by gcc from these sources, which lie in the copy's native folder. */
export async function copyWithBinding(directory, sources, words) {
  const copy = await copyWorkspace(directory);
  const { name, cflags } = bindingFor('linux');
  const native = join(copy, 'packages/core/native');
  const target = join(native, 'build/Release', `${name}.node`);
  const flags = cflags.filter((flag) => !/^-(std|O)/.test(flag));
  const gcc = ['gcc', '-shared', '-fPIC', '-pthread', ...flags, ...words, ...preprocessing()];
  await mustRun([...gcc, ...sources, '-o', target], { cwd: native });
  return copy;
}

/** Copies Node and its headers to where a test of another user can read them. Returns the program's path. */
export function copyOfNode(directory) {
  const node = join(directory, 'node/bin/node');
  mkdirSync(dirname(node), { recursive: true });
  cpSync(process.execPath, node);
  return node;
}

/**
 * Runs a package's suite in the copy. `leftOut` has parts of the names of tests that cannot hold there. Resolves with the number of
 * tests that passed, and what failed. If a signal has stopped the runner, it exits.
 */
export async function runInCopy(runner, copy, name, { node, leftOut, env = {} }) {
  const names = leftOut.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('|');
  const suite = `packages/${name}`;
  const result = await runner.run(suite, [], {
    words: [node],
    workspace: copy,
    env: {
      PATH: `${dirname(node)}:${process.env.PATH}`,
      // The suites must not build the copy again: the new build would have the usual binding.
      TURBO_HASH: 'built',
      ...env,
    },
    options: ['--testNamePattern', `^(?!.*(${names}))`, '--testTimeout=180000', '--hookTimeout=180000'],
    minutes: 40,
  });
  if (result === undefined) process.exit(130);
  return { passed: countsOf(result.files).passed, failed: failuresOf(suite, result) };
}

async function mustRun(words, options) {
  const { end, output } = await run(words, options);
  if (end !== 0) throw new Error(`${words[0]} ended with ${end}: ${output}`);
}
