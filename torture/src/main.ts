import { Command, InvalidArgumentError } from 'commander';
import { randomFrom } from '@aiopipe/testing';
import { episodes } from './episodes/index.js';
import { type Episode } from './episodes/episode.js';
import { CoverageReport } from './fuzz/coverage-report.js';
import { longHaul } from './haul/long-haul.js';
import { runEpisode } from './run-episode.js';
import { Summary } from './summary.js';

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly only?: string;
  readonly replay?: Replay;
  readonly bail?: boolean;
  readonly jobs: number;
  readonly hours?: number;
}

/** One episode of a run before. */
interface Replay {
  readonly name: string;
  readonly seed: number;
}

const number = (word: string): number => {
  const value = Number(word);
  if (word.trim() === '' || !Number.isFinite(value) || value < 0) throw new InvalidArgumentError('expected a number.');
  return value;
};

const episodeName = (word: string): string => {
  if (!episodes.has(word)) throw new InvalidArgumentError(`there are ${[...episodes.keys()].join(', ')}.`);
  return word;
};

const episodeAndSeed = (word: string): Replay => {
  const [name = '', seed = ''] = word.split(':');
  return { name: episodeName(name), seed: number(seed) };
};

const options = new Command('torture')
  .description(
    'Shakes all layers for a while: kills, failing system calls, hostile peers. Fails at any loss, leak or hang.',
  )
  .option('--minutes <n>', 'how long', number, 5)
  .option('--seed <n>', 'of a run before, to have its decisions again', number, Math.floor(Math.random() * 2 ** 31))
  .option('--only <episode>', 'one kind of episode alone', episodeName)
  .option('--replay <episode:seed>', 'one episode of a run before', episodeAndSeed)
  .option('--jobs <n>', 'how many episodes run at once', number, 1)
  .option('--hours <n>', 'the long haul instead: the same over and over, and whether memory grows', number)
  .option('--bail', 'stop at the first failure')
  .parse()
  .opts<Options>();

const summary = new Summary();
const coverage = new CoverageReport();
/** Ctrl-C ends the running episode, and prints the results so far. */
const stop = new AbortController();
const skipped = new Map<string, string>();
/** The kinds that had no episode. */
const unreached = new Set<string>();

async function main(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      stop.abort();
      process.exitCode = 130;
    });
  }
  if (options.hours !== undefined) {
    await longHaul(options.hours * 3600, stop.signal);
    return;
  }
  if (options.replay !== undefined) {
    await runOne(options.replay.name, options.replay.seed);
  } else {
    console.log(`torture: seed ${String(options.seed)}, ${String(options.minutes)} min`);
    await runMany();
  }
  console.log(summary.table());
  const decoders = coverage.table();
  if (decoders !== undefined) console.log(decoders);
  if (skipped.size > 0) console.log(`skipped: ${String(skipped.size)} of ${String(episodes.size)} kinds`);
  for (const [name, why] of skipped) console.log(`  ${name}: ${why}`);
  if (unreached.size > 0) console.log(`not reached in this time: ${[...unreached].join(', ')}`);
}

/** All kinds in turn, until the time is over. */
async function runMany(): Promise<void> {
  const random = randomFrom(options.seed);
  const end = performance.now() + options.minutes * 60_000;
  const names = [...episodes.keys()].filter((name) => options.only === undefined || name === options.only);
  for (const name of names) unreached.add(name);
  let n = 0;
  const one = async () => {
    while (!stop.signal.aborted && performance.now() < end && names.some((name) => !skipped.has(name))) {
      const name = names[n++ % names.length] as string;
      unreached.delete(name);
      await runOne(name, Math.floor(random() * 2 ** 31));
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, options.jobs) }, one));
}

async function runOne(name: string, seed: number): Promise<void> {
  const episode = episodes.get(name) as Episode;
  const lack = episode.lacks?.();
  if (lack !== undefined) {
    skipped.set(name, lack);
    return;
  }
  const outcome = await runEpisode(name, episode, seed, stop.signal);
  summary.add(name, outcome);
  for (const script of outcome.coverage) coverage.add(script);
  if (outcome.wrong.length === 0) return;
  process.exitCode = 1;
  const minutes = (performance.now() / 60_000).toFixed(1);
  console.log(`\nFAILED after ${minutes} min, again by: npm run torture -- --replay ${name}:${String(seed)}`);
  for (const line of outcome.wrong) console.log(`  ${line}`);
  if (options.bail === true) stop.abort();
}

await main();
