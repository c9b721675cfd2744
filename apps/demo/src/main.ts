import { constants } from 'node:os';
import { AiopipeError } from '@aiopipe/core';
import { openInBrowser } from './browser.js';
import { type CensusMachines } from './census-machines.js';
import { CensusStatus } from './census-status.js';
import { CensusWorkers, type CensusEvents } from './census-workers.js';
import { count } from './count.js';
import { listenForInterruption } from './interruption.js';
import { listFiles } from './listing.js';
import { ServerError } from './nats-server.js';
import { readOptions, type CensusOptions } from './options.js';
import { Progress } from './progress.js';
import { formatJson, formatSummary, formatVerdict, type Findings, type Skipped } from './summary.js';
import { Totals } from './totals.js';
import { verify } from './verify.js';

/** Resolves with the exit code. If the signal is aborted, everything under way ends. */
async function main(signal: AbortSignal): Promise<number> {
  const options = readOptions(process.argv);
  const status = new CensusStatus();
  if (options.web) return takeRounds(options, status, signal);
  return (await takeRound(options, status, signal)) ? 0 : 1;
}

/** Takes the census again and again below the page, until Ctrl-C: a round may be over before a person has killed anything. */
async function takeRounds(options: CensusOptions, status: CensusStatus, signal: AbortSignal): Promise<number> {
  // Only here: it hears the events of all layers.
  const { servePage } = await import('@aiopipe/inspector');
  await using page = await servePage({ kill: true, status: () => status.toString() });
  if (process.stdout.isTTY && process.stderr.isTTY) openInBrowser(page.url);
  let isVerified = true;
  try {
    for (;;) {
      console.error(`demo: kill what you like at ${page.url} - Ctrl-C ends the census`);
      // Each round listens to a signal of its own, which is dropped with it.
      const areEqual = await takeRound(options, status, AbortSignal.any([signal]));
      isVerified &&= areEqual;
    }
  } catch (error) {
    if (signal.reason !== 128 + constants.signals.SIGINT) throw error;
    return isVerified ? 0 : 1;
  }
}

/** Resolves with whether coreutils has counted the same. */
async function takeRound(options: CensusOptions, status: CensusStatus, signal: AbortSignal): Promise<boolean> {
  const findings = await takeCensus(options, status, signal);
  if (!options.json) console.log(formatSummary(findings));
  status.verify();
  const verification = await verify(findings.totals, options.pattern, { directory: options.directory, signal });
  const verdict = formatVerdict(findings, verification);
  status.end(verdict);
  console.log(options.json ? formatJson(findings, verification) : verdict);
  return verification.mismatches.length === 0;
}

async function takeCensus(options: CensusOptions, status: CensusStatus, signal: AbortSignal): Promise<Findings> {
  const totals = new Totals();
  const skipped: Skipped[] = [];
  const unreadable: string[] = [];
  const ofMachines = () => `${String(workers.running)} of ${count(options.machines, 'machine')}`;
  const machines = options.machines > 0 ? ofMachines : undefined;
  using progress = new Progress(!options.json, machines);
  // Now, not after everything has ended: a second signal may come sooner.
  signal.addEventListener('abort', () => {
    progress.stop();
  });
  const start = performance.now();
  const workers = await makeWorkers(options, {
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
  status.begin(() => ({
    listed: progress.listed,
    counts: totals.all,
    restarts: workers.restarts,
    machines: machines?.() ?? '',
  }));
  const files = listFiles(options.directory, (line) => unreadable.push(line), signal);
  await workers.work(counted(files, progress), signal);
  const { restarts, kills, shares } = workers;
  const seconds = (performance.now() - start) / 1000;
  return { ...options, totals, skipped, unreadable, restarts, kills, shares, seconds };
}

/** The workers of this program, or machines. */
async function makeWorkers(options: CensusOptions, events: CensusEvents): Promise<CensusWorkers | CensusMachines> {
  if (options.machines === 0) return new CensusWorkers(options, events);
  // Only here: it loads the client of NATS.
  const { CensusMachines } = await import('./census-machines.js');
  return new CensusMachines(options, events);
}

async function* counted(files: AsyncIterable<string>, progress: Progress): AsyncGenerator<string, void, undefined> {
  for await (const path of files) {
    progress.addListed();
    yield path;
  }
}

/** An error that a user can meet is shown by its message. Only our own mistakes get a stack trace. */
function explain(error: unknown): unknown {
  if (error instanceof ServerError) return `demo: ${error.message}`;
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
    process.exitCode = error instanceof ServerError ? error.exitCode : 1;
  }
  failure.abort();
}
