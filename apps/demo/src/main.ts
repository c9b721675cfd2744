import { AiopipeError } from '@aiopipe/core';
import { CensusWorkers } from './census-workers.js';
import { listenForInterruption } from './interruption.js';
import { listFiles } from './listing.js';
import { readOptions, type CensusOptions } from './options.js';
import { Progress } from './progress.js';
import { formatJson, formatSummary, formatVerdict, type Findings, type Skipped } from './summary.js';
import { Totals } from './totals.js';
import { verify } from './verify.js';

/** Resolves with the exit code. If the signal is aborted, everything under way ends. */
async function main(signal: AbortSignal): Promise<number> {
  const options = readOptions(process.argv);
  const findings = await takeCensus(options, signal);
  if (!options.json) console.log(formatSummary(findings));
  const verification = await verify(findings.totals, options.pattern, { directory: options.directory, signal });
  console.log(options.json ? formatJson(findings, verification) : formatVerdict(findings, verification));
  return verification.mismatches.length === 0 ? 0 : 1;
}

async function takeCensus(options: CensusOptions, signal: AbortSignal): Promise<Findings> {
  const totals = new Totals();
  const skipped: Skipped[] = [];
  const unreadable: string[] = [];
  using progress = new Progress(!options.json);
  // Now, not after everything has ended: a second signal may come sooner.
  signal.addEventListener('abort', () => {
    progress.stop();
  });
  const start = performance.now();
  const workers = new CensusWorkers(options, {
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
  const files = listFiles(options.directory, (line) => unreadable.push(line), signal);
  await workers.work(counted(files, progress), signal);
  const { restarts, kills } = workers;
  return { ...options, totals, skipped, unreadable, restarts, kills, seconds: (performance.now() - start) / 1000 };
}

async function* counted(files: AsyncIterable<string>, progress: Progress): AsyncGenerator<string, void, undefined> {
  for await (const path of files) {
    progress.addListed();
    yield path;
  }
}

/** An error that a user can meet is shown by its message. Only our own mistakes get a stack trace. */
function explain(error: unknown): unknown {
  if (!(error instanceof AiopipeError)) return error;
  const { message, cause } = error;
  return `demo: ${message}${cause instanceof AiopipeError ? `: ${cause.message}` : ''}`;
}

const interruption = listenForInterruption();
const failure = new AbortController();
try {
  process.exitCode = await main(AbortSignal.any([interruption, failure.signal]));
} catch (error) {
  if (!interruption.aborted) {
    console.error(explain(error));
    process.exitCode = 1;
  }
  failure.abort();
}
