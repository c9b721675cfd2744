// Runs the suites of what was built on Bun and Deno, and on Node.js with the poller that both take:
// `npm run test:runtimes`, or `npm run test:runtimes -- core codec --on bun deno`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { FailedTests } from './failed-tests.mjs';
import { names, versionOf, wordsFor } from './other-runtimes.mjs';
import { countsOf, root, SuiteRunner } from './suites.mjs';

/** Node.js, with a binding that does not use libuv. */
const BY_THREAD = 'node-by-thread';

const program = new Command('test:runtimes')
  .description('Runs the suites on other runtimes, which come from npm, and prints a table.')
  .argument('[suites...]', 'packages', ['core', 'codec', 'process', 'subprocess'])
  .addOption(new Option('--on <runtime...>', 'runtimes').choices([BY_THREAD, ...names]).default([BY_THREAD, ...names]))
  .parse();
const scratch = mkdtempSync(join(tmpdir(), 'aiopipe-runtimes-'));

process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

function mustRun(words, options) {
  const { status, error } = spawnSync(words[0], words.slice(1), { stdio: ['ignore', 2, 2], ...options });
  if (status !== 0) throw new Error(`${words[0]} failed`, { cause: error });
}

/** Folders that no suite needs. */
const LEFT_OUT = ['.git', '.turbo', 'bench', 'torture'];

/** Makes a copy of the workspace whose binding takes that poller on Node.js, too. */
function copyByThread() {
  // cp takes seconds; Node's cpSync() takes minutes.
  mustRun(['cp', '-a', ...readdirSync(root).filter((name) => !LEFT_OUT.includes(name)), scratch], { cwd: root });
  mustRun([process.execPath, join(scratch, 'packages/core/scripts/build-native.mjs')], {
    env: { ...process.env, CFLAGS: '-DAIOPIPE_POLL_BY_THREAD' },
  });
  return scratch;
}

const runner = new SuiteRunner();
const failed = new FailedTests();
const rows = [];
for (const name of program.opts().on) {
  const workspace = name === BY_THREAD ? copyByThread() : root;
  const words = name === BY_THREAD ? [process.execPath] : wordsFor(name, root);
  const runtime = `${name} ${versionOf(words)}`;
  for (const suite of program.processedArgs[0]) {
    if (runner.isStopped) break;
    process.stderr.write(`${runtime}: ${suite} …\n`);
    // The suite must not build what was built already: in the copy it would get the usual binding.
    const env = { TURBO_HASH: 'built' };
    const result = await runner.run(`packages/${suite}`, [], { words, workspace, env });
    if (result === undefined) break;
    const files = result.files.map((file) => ({ ...file, name: `${runtime}: ${file.name}` }));
    failed.add(`${runtime}: ${suite}`, files, result.status, result.output);
    rows.push({ runtime, suite, ...countsOf(files), ended: result.status === 0 ? 'well' : 'badly' });
  }
}
console.table(rows);
if (!failed.isEmpty) console.log(failed.table(1));
process.exit(runner.isStopped ? 130 : failed.isEmpty ? 0 : 1);
