// Repeats test suites, and prints how often each test failed: `npm run test:loop -- 20 --hogs 2`.
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { Command, InvalidArgumentError } from 'commander';
import { FailedTests, failuresOf } from './failed-tests.mjs';
import { choose, SuiteRunner, suites } from './suites.mjs';

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

const wanted = choose(what, (message) => program.error(message));
const failed = new FailedTests();
const runner = new SuiteRunner();
// Threads, so that they end with this process, however it ends.
for (let n = 0; n < hogs; n++) new Worker('for (;;);', { eval: true }).unref();

let begun = 0;
for (let round = 1; round <= times && !runner.isStopped; round++) {
  const start = performance.now();
  let failures = 0;
  begun = round;
  for (const [suite, files] of wanted) {
    const result = await runner.run(suite, files);
    if (result === undefined) break;
    const found = failuresOf(suite, result);
    failed.add(found);
    failures += found.length;
  }
  if (runner.isStopped) break;
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(`${String(round)} of ${String(times)}: ${String(failures)} failed, ${String(seconds)} s`);
}
if (runner.isStopped) console.log(`stopped in round ${String(begun)} of ${String(times)}`);
console.log(failed.table(begun));
process.exit(runner.isStopped ? 130 : failed.isEmpty ? 0 : 1);
