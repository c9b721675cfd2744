// Repeats test suites, and prints how often each test failed: `npm run test:loop -- 20 --hogs 2`.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Command, InvalidArgumentError } from 'commander';
import { FailedTests } from './failed-tests.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** In the order in which `npm test` runs them. */
const suites = ['packages/core', 'packages/codec', 'packages/process', 'packages/subprocess', 'apps/demo', 'examples'];

/** Milliseconds that a suite has to end after SIGTERM. */
const GRACE = 5000;

const count = (word) => {
  if (!/^\d+$/.test(word)) throw new InvalidArgumentError('expected a whole number.');
  return Number(word);
};

const program = new Command('test:loop')
  .description('Runs the test suites over and over, and prints which test failed how often.')
  .argument('[times]', 'how often', count, 20)
  .argument('[what...]', `suites or test files; all of them if none is named: ${suites.join(', ')}`)
  .option('--hogs <n>', 'threads that keep the processors busy meanwhile', count, 0)
  .parse();
const [times, what] = program.processedArgs;
const { hogs } = program.opts();

/** Each chosen suite, with its chosen files. No files mean all of them. */
function chosen() {
  if (what.length === 0) return new Map(suites.map((suite) => [suite, []]));
  const files = new Map();
  for (const word of what) {
    const suite = suites.find((path) => path === word || path.endsWith(`/${word}`));
    if (suite !== undefined) {
      files.set(suite, []);
      continue;
    }
    const base = process.env.INIT_CWD ?? process.cwd();
    const file = [resolve(base, word), resolve(root, word)].find((path) => existsSync(path));
    const owner = suites.find((path) => file?.startsWith(join(root, path, '/')));
    if (owner === undefined)
      program.error(`error: ${word} is no test file and no suite; there are ${suites.join(', ')}`);
    const others = files.get(owner);
    // The whole suite may be asked for, too.
    if (others?.length !== 0) files.set(owner, [...(others ?? []), relative(join(root, owner), file)]);
  }
  return files;
}

const failed = new FailedTests();
const directory = mkdtempSync(join(tmpdir(), 'aiopipe-test-loop-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
let running;
let isStopped = false;

/** Runs one suite, and notes what failed in it. Resolves with the number of failures. */
async function run(suite, files) {
  const report = join(directory, 'report.json');
  rmSync(report, { force: true });
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const words = [vitest, 'run', '--passWithNoTests', '--reporter=json', `--outputFile=${report}`, ...files];
  // In a process group of its own: it gets the signals that we send it, and its workers with it.
  const child = spawn(process.execPath, words, {
    cwd: join(root, suite),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running = child;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output = `${output}${String(chunk)}`.slice(-4000);
    });
  }
  const status = await new Promise((done) => child.once('exit', done));
  running = undefined;
  // A worker may outlive the process that started it.
  kill(child, 'SIGKILL');
  if (isStopped) return 0;
  const tests = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).testResults : [];
  return failed.add(suite, tests, status, output, (file) => (isAbsolute(file) ? relative(root, file) : file));
}

function stop() {
  if (isStopped) return;
  isStopped = true;
  if (running === undefined) return;
  const child = running;
  kill(child, 'SIGTERM');
  setTimeout(() => kill(child, 'SIGKILL'), GRACE).unref();
}

/** Sends a signal to its whole process group. */
function kill(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The whole group has ended.
  }
}

async function main() {
  const wanted = chosen();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
  // Threads, so that they end with this process, however it ends.
  for (let n = 0; n < hogs; n++) new Worker('for (;;);', { eval: true }).unref();
  let begun = 0;
  for (let round = 1; round <= times && !isStopped; round++) {
    const start = performance.now();
    let failures = 0;
    begun = round;
    for (const [suite, files] of wanted) {
      if (!isStopped) failures += await run(suite, files);
    }
    if (isStopped) break;
    const seconds = Math.round((performance.now() - start) / 1000);
    console.log(`${String(round)} of ${String(times)}: ${String(failures)} failed, ${String(seconds)} s`);
  }
  if (isStopped) console.log(`stopped in round ${String(begun)} of ${String(times)}`);
  console.log(failed.table(begun));
  process.exit(isStopped ? 130 : failed.isEmpty ? 0 : 1);
}

await main();
