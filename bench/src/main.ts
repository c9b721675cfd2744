import { compareRow } from './harness/compare.js';
import { describeMachine, machineLine } from './harness/machine.js';
import { measureRow } from './harness/measure.js';
import { partTable } from './harness/table.js';
import { saveResults } from './harness/results.js';
import { readOptions, type BenchOptions } from './options.js';
import { type Part } from './harness/part.js';
import { parts } from './parts/index.js';

async function main(): Promise<void> {
  const options = readOptions(process.argv, [...parts.keys()]);
  const machine = describeMachine();
  console.log(`${machineLine(machine)}\n`);
  for (const name of options.parts) await runPart(name, parts.get(name) as Part, options, machine);
}

async function runPart(
  name: string,
  part: Part,
  options: BenchOptions,
  machine: ReturnType<typeof describeMachine>,
): Promise<void> {
  const start = performance.now();
  const { rows, notes } = await part.prepare();
  const chosen = rows.filter((row) => options.filter?.test(row.name) ?? true);
  const results = [];
  for (const [index, row] of chosen.entries()) {
    process.stderr.write(`${name} ${String(index + 1)}/${String(chosen.length)}: ${row.name} …\n`);
    results.push(compareRow(row, await measureRow(row, options)));
  }
  const seconds = (performance.now() - start) / 1000;
  console.log(partTable(part.title, results));
  for (const note of notes) console.log(`note: ${note}`);
  console.log(`${name}: ${seconds.toFixed(0)} s\n`);
  // What was picked by hand is a look at something, not the part's result.
  if (options.filter === undefined)
    await saveResults(name, { machine, title: part.title, seconds, notes, rows: results });
  if (results.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
}

await main();
