// Runs a package's suite in a copy of the workspace, whose binding is built in another way.
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { bindingFor } from '../packages/core/scripts/binding.mjs';
import { headersPrefix } from '../packages/core/scripts/headers.mjs';
import { run } from './children.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

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

/** Makes a copy of the workspace. Its binding is built by gcc from these sources, which lie in the copy's native folder. */
export async function copyWithBinding(directory, sources, words) {
  const copy = join(directory, 'workspace');
  mkdirSync(copy);
  const names = readdirSync(root).filter((name) => !LEFT_OUT.includes(name));
  // cp takes seconds; Node's cpSync() takes minutes.
  const copied = await run(['cp', '-a', ...names.map((name) => join(root, name)), copy]);
  if (copied.end !== 0) throw new Error(copied.output);
  const { name, cflags } = bindingFor('linux');
  const native = join(copy, 'packages/core/native');
  const target = join(native, 'build/Release', `${name}.node`);
  const flags = cflags.filter((flag) => !/^-(std|O)/.test(flag));
  const compiled = await run(
    ['gcc', '-shared', '-fPIC', '-pthread', ...flags, ...words, ...preprocessing(), ...sources, '-o', target],
    { cwd: native },
  );
  if (compiled.end !== 0) throw new Error(compiled.output);
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
 * Runs one suite in the copy. `leftOut` has the names of tests that cannot hold there. Returns how many tests passed, and the names and
 * messages of those that failed; if the suite broke off, the end of its output.
 */
export async function runSuite(
  copy,
  directory,
  suite,
  { node = process.execPath, leftOut = [], env = {}, minutes = 40 } = {},
) {
  const report = join(directory, `${suite}.json`);
  const vitest = join(copy, 'node_modules/vitest/vitest.mjs');
  const names = leftOut.map((name) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('|');
  const words = [node, vitest, 'run', '--reporter=json', `--outputFile=${report}`];
  if (names !== '') words.push('-t', `^(?!.*(${names}))`);
  const { end, output } = await run([...words, '--testTimeout=180000', '--hookTimeout=180000'], {
    cwd: join(copy, 'packages', suite),
    minutes,
    env: {
      PATH: `${dirname(node)}:${process.env.PATH}`,
      // The suites must not build the copy again: the new build would have the usual binding.
      TURBO_HASH: 'built',
      ...env,
    },
  });
  let results;
  try {
    results = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { passed: 0, failed: [`${suite} ended with ${end}: ${output.slice(-2000)}`] };
  }
  const failed = results.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const tests = assertionResults.filter((test) => test.status === 'failed');
    if (status === 'failed' && tests.length === 0) return [`${name}: ${message}`];
    return tests.map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages.join()}`);
  });
  return { passed: results.numPassedTests, failed };
}
