// Runs what was built on several versions of Node: `npm run test:nodes`, or `npm run test:nodes -- core codec --node 24`.
import { delimiter, dirname } from 'node:path';
import { Command } from 'commander';
import { FailedTests, failuresOf } from './failed-tests.mjs';
import { nodeOf, versionOf } from './other-nodes.mjs';
import { choose, countsOf, SuiteRunner, suites } from './suites.mjs';

/** The lowest that is supported, and every long-term release since. */
const MAJORS = ['20', '22', '24', '26'];

const program = new Command('test:nodes')
  .description('Runs the test suites on several versions of Node, which come from npm, and prints a table.')
  .argument('[what...]', `suites or test files; all of them if none is named: ${suites.join(', ')}`)
  .option('--node <major...>', 'versions of Node', MAJORS)
  .parse();
const wanted = choose(program.args, (message) => program.error(message));
const nodes = program.opts().node.map(nodeOf);

const runner = new SuiteRunner();
const failed = new FailedTests();
const rows = [];
for (const node of nodes) {
  const version = versionOf(node);
  for (const [suite, files] of wanted) {
    if (runner.isStopped) break;
    console.log(`Node ${version}: ${suite} …`);
    const env = { PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
    const result = await runner.run(suite, files, { words: [node], env });
    if (result === undefined) break;
    failed.add(failuresOf(suite, result).map((failure) => ({ ...failure, file: `Node ${version}: ${failure.file}` })));
    rows.push({ node: version, suite, ...countsOf(result.files), ended: result.status === 0 ? 'well' : 'badly' });
  }
}

console.table(rows);
if (!failed.isEmpty) console.log(failed.table(1));
process.exit(runner.isStopped ? 130 : failed.isEmpty ? 0 : 1);
