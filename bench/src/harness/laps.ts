import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Channel, channel } from '@aiopipe/codec';
import { startProcess, type Target } from '@aiopipe/process';
import { type Runner } from './part.js';

/** The figure to measure of a lap: its time, or the longest time that its loop stood still. */
export type Gauge = 'seconds' | 'stall';

/** The channel to a process that runs laps: it receives an amount and a gauge, and answers with the figure in seconds. */
export type Laps = Channel<number, { readonly amount: number; readonly gauge: Gauge }>;

/** Runs laps until the channel ends. */
export async function runLaps(laps: Laps, lap: (amount: number) => Promise<void>): Promise<void> {
  for await (const { amount, gauge } of laps) await laps.put(await gauges[gauge](() => lap(amount)));
}

const gauges: Record<Gauge, (work: () => Promise<void>) => Promise<number>> = {
  async seconds(work) {
    const start = performance.now();
    await work();
    return (performance.now() - start) / 1000;
  },
  async stall(work) {
    const delays = monitorEventLoopDelay({ resolution: 1 });
    delays.enable();
    // It counts from the first time that its timer fires to the last, and the work is all to lie between the two.
    await fewMilliseconds();
    await work();
    await fewMilliseconds();
    delays.disable();
    return delays.max / 1e9;
  },
};

const fewMilliseconds = () => new Promise((resolve) => setTimeout(resolve, 5));

/**
 * A runner in a process of its own, so that no side's heap, compiled code or timers are another's. The work is all in
 * there; what goes through the channel is not measured.
 */
export function inProcess<Spec>(
  worker: Target<[laps: Laps, spec: Spec], void>,
  spec: Spec,
  gauge: Gauge = 'seconds',
): Runner {
  const [ours, theirs] = channel<{ amount: number; gauge: Gauge }, number>({ duplex: true });
  const child = startProcess(worker, { args: [theirs, spec] });
  return {
    pid: child.pid as number,
    async run(amount) {
      try {
        await ours.put({ amount, gauge });
        return await ours.get();
      } catch (error) {
        // The reason of the process's end says more than the end of the channel.
        await child.result.catch(({ cause }: Error) => Promise.reject(cause as Error));
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      ours[Symbol.dispose]();
      if ((await child.join({ timeout: 5000 })) === undefined) child.kill();
    },
  };
}
