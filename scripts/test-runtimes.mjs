// Runs the suites of what was built on Bun and Deno, and on Node.js with the poller that both take:
// `npm run test:runtimes`, or `npm run test:runtimes -- core codec --on bun deno`.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { FailedTests } from './failed-tests.mjs';
import { names, versionOf, wordsFor } from './other-runtimes.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Node.js, with a binding that does not use libuv. */
const BY_THREAD = 'node-by-thread';

const program = new Command('test:runtimes')
  .description('Runs the suites on other runtimes, which come from npm, and prints a table.')
  .argument('[suites...]', 'packages', ['core', 'codec', 'process', 'subprocess'])
  .addOption(new Option('--on <runtime...>', 'runtimes').choices([BY_THREAD, ...names]).default([BY_THREAD, ...names]))
  .parse();
const scratch = mkdtempSync(join(tmpdir(), 'aiopipe-runtimes-'));

let running;
process.on('exit', () => {
  if (running !== undefined) end(running);
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

/** Ends the whole process group of a suite: a worker may outlive the process that started it. */
function end(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The whole group has ended.
  }
}

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

/** Runs one suite. Resolves with its exit status, the end of its output, and what Vitest's JSON reporter says of its files. */
async function runSuite(directory, words, suite) {
  const report = join(scratch, 'report.json');
  rmSync(report, { force: true });
  const vitest = join(directory, 'node_modules/vitest/vitest.mjs');
  const [file, ...options] = [...words, vitest, 'run', '--reporter=json', `--outputFile=${report}`];
  running = spawn(file, options, {
    cwd: join(directory, 'packages', suite),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    // The suite must not build what was built already: in the copy it would get the usual binding.
    env: { ...process.env, TURBO_HASH: 'built' },
  });
  let output = '';
  for (const stream of [running.stdout, running.stderr]) {
    stream.on('data', (chunk) => {
      output = `${output}${String(chunk)}`.slice(-4000);
    });
  }
  const status = await new Promise((resolve, reject) => {
    running.once('error', reject);
    running.once('exit', (code, signal) => resolve(signal ?? code));
  });
  end(running);
  running = undefined;
  const files = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).testResults : [];
  return { status, output, files };
}

const failed = new FailedTests();
const rows = [];
for (const name of program.opts().on) {
  const directory = name === BY_THREAD ? copyByThread() : root;
  const words = name === BY_THREAD ? [process.execPath] : wordsFor(name, root);
  const runtime = `${name} ${versionOf(words)}`;
  for (const suite of program.processedArgs[0]) {
    process.stderr.write(`${runtime}: ${suite} …\n`);
    const { status, output, files } = await runSuite(directory, words, suite);
    const nameOf = (path) => `${runtime}: ${relative(directory, path)}`;
    failed.add(`${runtime}: ${suite}`, files, status, output, nameOf);
    const tests = files.flatMap((file) => file.assertionResults);
    const count = (...states) => tests.filter((test) => states.includes(test.status)).length;
    const skipped = count('skipped', 'pending', 'todo');
    rows.push({ runtime, suite, passed: count('passed'), failed: count('failed'), skipped, status });
  }
}
console.table(rows);
if (!failed.isEmpty) console.log(failed.table(1));
process.exitCode = failed.isEmpty ? 0 : 1;
