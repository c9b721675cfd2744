import Table from 'cli-table3';
import { Command, InvalidArgumentError } from 'commander';
import { findProgram } from '../harness/find-program.js';
import { measure } from './real.js';
import { simulate, type Outcome, type Setup } from './simulation.js';

const DAY = 86_400;
const HOUR = 3_600_000;

/** 10^9 tasks a day on 100 machines, one minute of it. */
const LARGE: Setup = {
  seed: 0,
  duration: 60_000,
  rate: 1e9 / DAY,
  clusters: 16,
  machines: 100,
  workers: 8,
  task: 50,
  serve: 0.5,
  travel: 5,
  lease: 30_000,
  life: 24 * HOUR,
  restart: 10_000,
};

const CASES: readonly (readonly [string, Partial<Setup>])[] = [
  ['one cluster', { clusters: 1 }],
  ['4 clusters', { clusters: 4 }],
  ['16 clusters', {}],
  ['the same, 90 % of the workers busy', { task: 58 }],
  ['16 clusters, a machine lives 10 minutes', { life: HOUR / 6 }],
  ['the same, a lease of 5 s', { life: HOUR / 6, lease: 5000 }],
];

/** What a small machine can do as well. */
const SMALL: Setup = {
  ...LARGE,
  duration: 20_000,
  rate: 0,
  clusters: 1,
  machines: 2,
  workers: 2,
  task: 200,
  isFixed: true,
  life: Infinity,
  lease: 3000,
};

const ms = (value: number) => (value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${value.toFixed(0)} ms`);

function row(name: string, outcome: Outcome): string[] {
  const { tasks, median, p99, worst, deaths, redelivered, mostWaiting, serverLoad } = outcome;
  return [
    name,
    String(tasks),
    ms(median),
    ms(p99),
    ms(worst),
    String(mostWaiting),
    `${(100 * serverLoad).toFixed(0)} %`,
    String(deaths),
    String(redelivered),
  ];
}

function showLarge(seed: number): void {
  const table = new Table({
    head: ['', 'tasks', 'median', '99 %', 'worst', 'most waiting', 'server busy', 'deaths', 'run again'],
    style: { head: [], border: [], compact: true },
  });
  for (const [name, changes] of CASES) table.push(row(name, simulate({ ...LARGE, ...changes, seed })));
  console.log(
    `A minute of 10^9 tasks a day on ${String(LARGE.machines)} machines of ${String(LARGE.workers)} workers:`,
  );
  console.log(table.toString());
}

/** Runs the small setup, for real and simulated. Resolves with whether they agree. */
async function check(seed: number): Promise<boolean> {
  if (findProgram('nats-server') === undefined) {
    console.error('scale: --check needs nats-server (on Debian: apt-get install nats-server)');
    return false;
  }
  const { machines, workers, task } = SMALL;
  let agrees = true;
  const say = (what: string, real: number, simulated: number, tolerance: number) => {
    const isClose = Math.abs(real - simulated) <= tolerance;
    agrees &&= isClose;
    console.log(`${isClose ? 'agrees' : 'DIFFERS'}: ${what}: ${ms(real)} measured, ${ms(simulated)} simulated`);
  };
  for (const load of [0.5, 0.8]) {
    const setup = { ...SMALL, seed, rate: (load * machines * workers * 1000) / (task + 10) };
    const real = await measure(setup);
    const simulated = simulate({ ...setup, travel: real.travel, serve: 0.5 });
    const name = `${String(100 * load)} % of the workers busy`;
    // The calls are the same. The rest is what else the computer does.
    say(`${name}, mean`, real.mean, simulated.mean, 0.25 * simulated.mean);
    say(`${name}, 99 %`, real.p99, simulated.p99, 0.5 * simulated.p99);
    const [least, most] = [(2 / 3) * setup.lease, setup.lease].map((lease) => lease + real.travel);
    for (const time of real.afterDeath) {
      say(
        'a task of a dead machine',
        time,
        Math.min(Math.max(time, least as number), most as number),
        0.2 * setup.lease,
      );
    }
  }
  return agrees;
}

function readSeed(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new InvalidArgumentError('It must be a whole number from 0.');
}

const options = new Command('scale')
  .description('Simulates 10^9 tasks a day on 100 machines: queues, deaths, and tasks that are run again.')
  .option('--seed <n>', 'makes the same decisions as a run before', readSeed, 1)
  .option('--check', 'also runs a small cluster for real, and compares', false)
  .parse()
  .opts<{ seed: number; check: boolean }>();
showLarge(options.seed);
if (options.check && !(await check(options.seed))) process.exitCode = 1;
