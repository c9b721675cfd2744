import { Cluster } from '@aiopipe/nats';
import { startProcess, target } from '@aiopipe/process';
import { channel, type ChannelWriter } from '@aiopipe/codec';
import { connect } from '@nats-io/transport-node';
import { loginOf, startNats } from '../machines/services.js';
import { exponential, randomFrom } from './random.js';
import { seedOf, type Setup } from './simulation.js';

/** What was measured of a real cluster. Times are milliseconds. */
export interface Measured {
  /** Of one task at a time, without the task itself. */
  readonly travel: number;
  readonly mean: number;
  readonly p99: number;
  /** From the death of a machine until others begin with its tasks, and for the travel of the results. */
  readonly afterDeath: readonly number[];
}

/** A task that still runs when its machine is killed. */
const LONG = 5000;

const sleep = target(import.meta.url, 'scaleSleep', async (milliseconds: number) => {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
});

interface Serving {
  readonly port: number;
  readonly workers: number;
  readonly lease: number;
}

const machine = target(
  import.meta.url,
  'scaleMachine',
  async ({ port, workers, lease }: Serving, ready: ChannelWriter<true>) => {
    const nc = await connect(loginOf(port));
    const cluster = await Cluster.open(nc, { name: 'scale', lease });
    await cluster.serve({ sleep }, { size: workers });
    await ready.put(true);
    await nc.closed();
  },
);

async function start(serving: Serving) {
  const [ours, theirs] = channel<true>();
  using ready = ours;
  const child = startProcess(machine, { args: [serving, theirs] });
  await ready.get().catch(() => child.result);
  child.result.catch(() => undefined);
  return child;
}

/** Runs the setup on a real cluster: a nats-server, and machines with workers that sleep as long as a task is. */
export async function measure({ seed, duration, rate, machines, workers, task, lease }: Setup): Promise<Measured> {
  await using server = await startNats();
  const serving = { port: server.port, workers, lease };
  const running = await Promise.all(Array.from({ length: machines }, () => start(serving)));
  const nc = await connect(loginOf(server.port));
  const cluster = await Cluster.open(nc, { name: 'scale', lease });
  const pool = cluster.pool<typeof sleep>('sleep');
  const timed = async (milliseconds: number) => {
    const called = performance.now();
    await pool.run(milliseconds);
    return performance.now() - called;
  };
  // All workers are warm before anything counts.
  await Promise.all(Array.from({ length: 50 * machines * workers }, () => pool.run(0)));
  const alone: number[] = [];
  for (let count = 0; count < 40; count++) alone.push((await timed(task)) - task);

  // The same calls at the same times as in the simulation.
  const random = randomFrom(seedOf(seed, 0));
  const untilCall = () => exponential(random, 1000 / rate);
  const open: Promise<number>[] = [];
  const begin = performance.now();
  for (let next = untilCall(); next < duration; next += untilCall()) {
    const left = begin + next - performance.now();
    if (left > 1) await new Promise((resolve) => setTimeout(resolve, left));
    open.push(timed(task));
  }
  const times = Float64Array.from(await Promise.all(open)).sort();

  // All tasks are on one machine, which dies; another one takes them.
  const [victim, ...others] = running;
  for (const other of others) other.kill('SIGKILL');
  await Promise.all(others.map((other) => other.join()));
  const lost = Array.from({ length: workers }, () => pool.run(LONG));
  while ((await pool.stats()).running < workers) await new Promise((resolve) => setTimeout(resolve, 1));
  const death = performance.now();
  victim?.kill('SIGKILL');
  await start(serving);
  const afterDeath = await Promise.all(lost.map((each) => each.then(() => performance.now() - death - LONG)));
  await cluster[Symbol.asyncDispose]();
  await nc.close();
  return {
    travel: alone.reduce((sum, each) => sum + each, 0) / alone.length,
    mean: times.reduce((sum, each) => sum + each, 0) / times.length,
    p99: times[Math.floor(0.99 * times.length)] ?? 0,
    afterDeath,
  };
}
