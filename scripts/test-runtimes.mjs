// Runs the suites of what was built on Bun and Deno, and on Node.js with the poller that both take: `npm run test:runtimes`, or
// `npm run test:runtimes -- core packages/codec/test/rpc --on bun deno`. known-failures.mjs has what cannot pass there.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { FailedTests, failuresOf } from './failed-tests.mjs';
import { KnownFailures } from './known-failures.mjs';
import { names, versionOf, wordsFor } from './other-runtimes.mjs';
import { choose, countsOf, root, SuiteRunner } from './suites.mjs';
import { copyWorkspace, SUITES } from './workspace-copy.mjs';

/** Node.js, with a binding that does not use libuv. */
const BY_THREAD = 'node-by-thread';

const program = new Command('test:runtimes')
  .description('Runs the suites on other runtimes, which come from npm, and prints a table.')
  .argument('[what...]', 'suites, test files or folders of them', SUITES)
  .addOption(new Option('--on <runtime...>', 'runtimes').choices([BY_THREAD, ...names]).default([BY_THREAD, ...names]))
  .parse();
const wanted = choose(program.processedArgs[0], (message) => program.error(message));

/** Makes a copy of the workspace whose binding takes that poller on Node.js, too. Returns its path. */
async function copyByThread() {
  const directory = mkdtempSync(join(tmpdir(), 'aiopipe-runtimes-'));
  // Some tests start programs as another user.
  chmodSync(directory, 0o755);
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const copy = await copyWorkspace(directory);
  const { status, error } = spawnSync(process.execPath, [join(copy, 'packages/core/scripts/build-native.mjs')], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, CFLAGS: '-DAIOPIPE_POLL_BY_THREAD' },
  });
  if (status !== 0) throw new Error('the binding could not be built', { cause: error });
  return copy;
}

const runner = new SuiteRunner();
const failed = new FailedTests();
const rows = [];
const notes = [];
for (const name of program.opts().on) {
  if (runner.isStopped) break;
  const workspace = name === BY_THREAD ? await copyByThread() : root;
  const words = name === BY_THREAD ? [process.execPath] : wordsFor(name, root);
  const runtime = `${name} ${versionOf(words)}`;
  const known = new KnownFailures(name);
  for (const [suite, files] of wanted) {
    process.stderr.write(`${runtime}: ${suite} …\n`);
    // The suite must not build what was built already: in the copy it would get the usual binding.
    const result = await runner.run(suite, files, { words, workspace, env: { TURBO_HASH: 'built' } });
    if (result === undefined) break;
    const failures = failuresOf(suite, result);
    const isKnown = (failure) => known.reasonOf(failure) !== undefined;
    const found = failures.filter((failure) => !isKnown(failure));
    const expected = failures.filter(isKnown);
    failed.add(found.map((failure) => ({ ...failure, file: `${runtime}: ${failure.file}` })));
    for (const failure of expected) {
      notes.push(`known to fail on ${runtime}: ${failure.file}: ${failure.test}: ${known.reasonOf(failure)}`);
    }
    for (const { file, test } of known.passedIn(result.files)) {
      notes.push(`passes on ${runtime}, and need not be in scripts/known-failures.mjs: ${file}: ${test}`);
    }
    const { passed, skipped } = countsOf(result.files);
    rows.push({ runtime, suite, passed, failed: found.length, 'known to fail': expected.length, skipped });
  }
}
for (const note of notes) console.log(note);
console.table(rows);
if (!failed.isEmpty) console.log(failed.table(1));
process.exit(runner.isStopped ? 130 : failed.isEmpty ? 0 : 1);
