import { compareRow } from './harness/compare.js';
import { describeMachine, machineLine, type Machine } from './harness/machine.js';
import { measureRow } from './harness/measure.js';
import { isThisNode, runOnNode } from './harness/other-node.js';
import { partTable } from './harness/table.js';
import { lastSeconds, publishResults, saveResults, type Results } from './harness/results.js';
import { publishSideBySide } from './harness/side-by-side.js';
import { readOptions, type BenchOptions } from './options.js';
import { type Part } from './harness/part.js';
import { parts } from './parts/index.js';

async function main(): Promise<void> {
  const options = readOptions(process.argv, [...parts.keys()]);
  if (options.node !== undefined && !isThisNode(options.node)) {
    process.exitCode = await runOnNode(options.node);
    return;
  }
  // The reader has closed (`| head`).
  process.stdout.on('error', () => process.exit(1));
  // If it is set, every Node reads those certificates at its start: 33 ms, which would make all starts look alike.
  delete process.env['NODE_EXTRA_CA_CERTS'];
  const machine = describeMachine();
  console.log(`${machineLine(machine)}\n`);
  const before = options.filter === undefined ? await lastSeconds(options.parts, options.node) : undefined;
  if (before !== undefined) process.stderr.write(`the last run of this took ${before.toFixed(0)} s\n`);
  let hasRun = false;
  for (const name of options.parts) hasRun = (await runPart(name, parts.get(name) as Part, options, machine)) || hasRun;
  if (!hasRun) {
    process.stderr.write(`error: no row's name matches ${String(options.filter)}\n`);
    process.exitCode = 1;
    return;
  }
  console.log(`all in ${(performance.now() / 1000).toFixed(0)} s`);
}

/** Resolves to whether it has a row that was asked for. */
async function runPart(name: string, part: Part, options: BenchOptions, machine: Machine): Promise<boolean> {
  const start = performance.now();
  const { rows, notes } = await part.prepare();
  if (rows.length === 0) {
    for (const note of notes) console.log(`${name}: ${note}\n`);
    return true;
  }
  const chosen = rows.filter((row) => options.filter?.test(row.name) ?? true);
  if (chosen.length === 0) return false;
  const measured = [];
  for (const [index, row] of chosen.entries()) {
    process.stderr.write(`${name} ${String(index + 1)}/${String(chosen.length)}: ${row.name} …\n`);
    measured.push(compareRow(row, await measureRow(row, options)));
  }
  const seconds = (performance.now() - start) / 1000;
  const results: Results = { machine, title: part.title, seconds, notes, rows: measured };
  console.log(partTable(results));
  for (const note of notes) console.log(`note: ${note}`);
  console.log(`${name}: ${seconds.toFixed(0)} s\n`);
  // Rows that a filter has chosen are not the result of the whole part.
  if (options.filter === undefined) await saveResults(name, results, options.node);
  if (options.publish && options.node === undefined) await publishResults(name, results);
  if (options.publish && options.node !== undefined) await publishSideBySide(options.node, [...parts.keys()]);
  // If a peer cannot take part, that is a finding.
  const ours = new Map(chosen.map((row) => [row.name, row.ours.name]));
  if (measured.some(({ row, failures }) => failures.some(({ side }) => side === ours.get(row)))) process.exitCode = 1;
  return true;
}

await main();
