import { mean } from 'simple-statistics';
import { type Row, type Runner, type Side } from './part.js';

export interface MeasureOptions {
  readonly rounds: number;
  /** How long a side works in one round, about. */
  readonly lapSeconds: number;
}

/** The results of one side: one value for each round, unless the side failed. */
export interface SideSamples {
  readonly side: Side;
  readonly values: number[];
  failure?: string;
}

export interface RowSamples {
  /** How much work a round was: the same for all. */
  readonly amount: number;
  /** Ours first. */
  readonly sides: readonly SideSamples[];
}

/**
 * For each side of a row, at least and at most: until V8 has compiled what a small round trip takes. A fast core takes the least of it;
 * a slow or busy one takes seconds.
 */
const WARM_UP_SECONDS = { least: 0.12, most: 1.5, mostIfCounted: 4 };
/** A side is warm when so many laps in a row were not faster than the fastest before them, by this factor. */
const WARM = { laps: 10, factor: 0.97 };
/**
 * How often all sides start afresh: where a process's memory lies, and which cores it and its partner settle on, is the
 * same for as long as it runs, and would otherwise pass for a property of the code.
 */
const BATCHES = 2;

interface Contestant {
  readonly samples: SideSamples;
  readonly runner: Runner;
}

/**
 * Lets all sides of a row do the same work in turn, round after round: what disturbs the machine meanwhile disturbs
 * all of them, and a round's ratio is of two times that lie side by side.
 */
export async function measureRow(row: Row, options: MeasureOptions): Promise<RowSamples> {
  const sides: SideSamples[] = [row.ours, ...row.peers].map((side) => ({ side, values: [] }));
  const { rounds, batches } = plan(row, options);
  let amount = row.fixed?.amount ?? 0;
  for (let batch = 0; batch < batches; batch++) {
    const contestants: Contestant[] = [];
    try {
      for (const samples of sides) {
        await attempt(samples, async () => {
          contestants.push({ samples, runner: await samples.side.open() });
        });
      }
      // The first answer waits for processes that are still starting.
      await runRound(contestants, row.fixed?.warmUp ?? 1);
      if (row.fixed === undefined) {
        if (batch === 0) amount = await findAmount(contestants, row, options.lapSeconds);
        else await warmUp(contestants, amount, row.warmUp);
      }
      for (let round = batch; round < rounds; round += batches) {
        for (const { samples, value } of await runRound(contestants, amount)) samples.values.push(value);
      }
    } finally {
      await Promise.allSettled(contestants.map(({ runner }) => runner[Symbol.asyncDispose]()));
    }
  }
  return { amount, sides };
}

function plan({ fixed }: Row, options: MeasureOptions): { rounds: number; batches: number } {
  if (fixed?.isWhole) return { rounds: fixed.rounds, batches: 1 };
  const rounds = Math.min(options.rounds, fixed?.rounds ?? Infinity);
  return { rounds, batches: Math.min(BATCHES, rounds) };
}

/** Doubles the work until it takes long enough; then, as all sides are warm, makes it as much as fits into a lap. */
async function findAmount(contestants: readonly Contestant[], row: Row, lapSeconds: number): Promise<number> {
  const { least = 1, warmUp: units } = row;
  let amount = least;
  for (;;) {
    const seconds = meanOf(await runRound(contestants, amount));
    if (seconds === undefined) return amount;
    if (seconds >= lapSeconds / 2) break;
    amount *= 2;
  }
  const seconds = meanOf(await warmUp(contestants, amount, units)) ?? lapSeconds;
  return Math.max(least, Math.round((amount * lapSeconds) / seconds));
}

const meanOf = (laps: readonly Lap[]) => (laps.length === 0 ? undefined : mean(laps.map(({ value }) => value)));

/**
 * All sides work at the same time, so that each has as much of the cores as the others, and none that waits leaves them
 * idle. By the lap, one much faster than its peers would be measured while V8 still compiles it; one after the other,
 * small round trips would need three times as long. The round that follows, in turn again, is the last that doesn't count.
 */
async function warmUp(contestants: readonly Contestant[], amount: number, units = 0): Promise<Lap[]> {
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000 / contestants.length;
  const most = units > 0 ? WARM_UP_SECONDS.mostIfCounted : WARM_UP_SECONDS.most;
  await Promise.all(
    contestants.map(({ samples, runner }) =>
      attempt(samples, async () => {
        let fastest = Infinity;
        for (
          let laps = 0, done = 0;
          elapsed() < WARM_UP_SECONDS.least || ((laps < WARM.laps || done < units) && elapsed() < most);
          done += amount
        ) {
          const value = await runner.run(amount);
          laps = value < fastest * WARM.factor ? 0 : laps + 1;
          fastest = Math.min(fastest, value);
        }
      }),
    ),
  );
  for (const { runner } of contestants) runner.settle?.();
  return runRound(contestants, amount);
}

interface Lap {
  readonly samples: SideSamples;
  readonly value: number;
}

async function runRound(contestants: readonly Contestant[], amount: number): Promise<Lap[]> {
  const laps: Lap[] = [];
  for (const { samples, runner } of contestants) {
    await attempt(samples, async () => {
      laps.push({ samples, value: await runner.run(amount) });
    });
  }
  return laps;
}

/** Runs `action` of one side. If it fails, the row goes on without this side. */
async function attempt(samples: SideSamples, action: () => Promise<void>): Promise<void> {
  if (samples.failure !== undefined) return;
  try {
    await action();
  } catch (error) {
    samples.failure = error instanceof Error ? error.message : String(error);
  }
}
