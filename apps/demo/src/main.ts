import { AiopipeError } from '@aiopipe/core';
import { Crew } from './crew.js';
import { listFiles } from './listing.js';
import { readOptions, type CensusOptions } from './options.js';
import { Progress } from './progress.js';
import { formatJson, formatSummary, formatVerdict, type Findings, type Skipped } from './summary.js';
import { Totals } from './totals.js';
import { verify } from './verify.js';

const INTERRUPTED = 130;

async function main(): Promise<number> {
  const options = readOptions(process.argv);
  const progress = new Progress(!options.json);
  // Children need no farewell: none outlives this process, however it ends.
  process.once('SIGINT', () => {
    progress.stop();
    process.exit(INTERRUPTED);
  });
  // Whoever reads our output may have enough of it (`| head`).
  process.stdout.on('error', () => process.exit(1));

  let findings: Findings;
  try {
    findings = await takeCensus(options, progress);
  } finally {
    progress.stop();
  }
  if (!options.json) console.log(formatSummary(findings));
  const verification = await verify(findings.totals, options.directory, options.pattern);
  console.log(options.json ? formatJson(findings, verification) : formatVerdict(findings, verification));
  return verification.mismatches.length === 0 ? 0 : 1;
}

async function takeCensus(options: CensusOptions, progress: Progress): Promise<Findings> {
  const { directory, pattern, workers } = options;
  const totals = new Totals();
  const skipped: Skipped[] = [];
  const unreadable: string[] = [];
  const start = performance.now();

  const crew = new Crew(options, {
    report: (report) => {
      totals.add(report);
      progress.addFile();
    },
    skipped: (path, reason) => {
      skipped.push({ path, reason });
      progress.addFile();
    },
    progress: (bytes) => {
      progress.addBytes(bytes);
    },
  });
  const files = listFiles(directory, (line) => unreadable.push(line));
  await crew.work(counted(files, progress));
  const { restarts, kills } = crew;
  const seconds = (performance.now() - start) / 1000;
  return { directory, pattern, totals, skipped, unreadable, workers, restarts, kills, seconds };
}

async function* counted(files: AsyncIterable<string>, progress: Progress): AsyncGenerator<string, void, undefined> {
  for await (const path of files) {
    progress.addListed();
    yield path;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  // What users can meet has a message that says what to do; a stack trace is for our own mistakes.
  console.error(error instanceof AiopipeError ? `demo: ${error.message}` : error);
  process.exitCode = 1;
}
