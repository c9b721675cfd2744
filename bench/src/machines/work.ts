import { channel, type Channel, type ChannelWriter } from '@aiopipe/codec';
import { startProcess, type Target } from '@aiopipe/process';
import { runLaps, type Laps } from '../harness/laps.js';
import { runTasks, type AnyPool, type PoolWork } from '../processes/work.js';
import { type Service } from './services.js';

/** Tasks for machines, each a process that runs `workers` tasks at once. */
export interface MachineWork extends PoolWork {
  readonly machines: number;
  /** Tasks that a machine of ours takes ahead. */
  readonly prefetch?: number;
}

/** A machine: connects to the port, says so by a message, and serves until it is killed. */
export type MachineTarget = Target<[port: number, work: MachineWork, ready: ChannelWriter<true>], void>;

/** Starts the machines, and resolves with what kills them. */
export async function startMachines(machine: MachineTarget, port: number, work: MachineWork): Promise<() => void> {
  const started = Array.from({ length: work.machines }, async () => {
    const [ours, theirs] = channel<true>();
    using ready = ours;
    const child = startProcess(machine, { args: [port, work, theirs] });
    // If it fails, its error says more than the end of its channel.
    await ready.get().catch(() => child.result);
    return child;
  });
  const children = await Promise.all(started);
  for (const child of children) child.result.catch(() => undefined);
  return () => {
    for (const child of children) child.kill('SIGKILL');
  };
}

/** Laps of tasks over machines, which share a server. */
export async function runOverMachines(
  laps: Laps,
  work: MachineWork,
  service: Service,
  machine: MachineTarget,
  connect: (port: number) => Promise<AnyPool>,
): Promise<void> {
  await using server = service;
  const stop = await startMachines(machine, server.port, work);
  const pool = await connect(server.port);
  await runTasks(laps, work, {
    run: (payload) => pool.run(payload),
    close: async () => {
      await pool.close();
      stop();
    },
  });
}

/** Messages through a queue, from this process to another one. */
export interface Messages {
  readonly size: number;
  /** Messages that are put and not stored yet. */
  readonly outstanding: number;
}

/** The process that takes the messages: it counts as many as it is told, and answers then. */
export type ReaderTarget = Target<[port: number, counts: Counting], void>;
export type Counting = Channel<true, number>;

/** Laps of messages: all of a lap have come to the reader when it ends. */
export async function runMessages(
  laps: Laps,
  { outstanding }: Messages,
  port: number,
  reader: ReaderTarget,
  put: () => Promise<unknown>,
): Promise<void> {
  const [ours, theirs] = channel<number, true>({ duplex: true });
  using counts = ours;
  const child = startProcess(reader, { args: [port, theirs] });
  const heard = () => counts.get().catch(() => child.result);
  await heard();
  const lap = async (amount: number) => {
    await counts.put(amount);
    let left = amount;
    const one = async () => {
      while (left-- > 0) await put();
    };
    await Promise.all(Array.from({ length: outstanding }, one));
    await heard();
  };
  await runLaps(laps, lap);
  child.result.catch(() => undefined);
  child.kill('SIGKILL');
}

/** Counts messages as the laps want: call the function that it returns for each message. Resolves when no lap can come any more. */
export function countMessages(counts: Counting): { readonly counted: () => void; readonly ended: Promise<void> } {
  let count = 0;
  let wanted = Infinity;
  const tell = () => {
    if (count < wanted) return;
    count -= wanted;
    wanted = Infinity;
    void counts.put(true);
  };
  const follow = async () => {
    void counts.put(true);
    for await (const amount of counts) {
      wanted = amount;
      tell();
    }
  };
  return {
    counted: () => {
      count++;
      tell();
    },
    ended: follow(),
  };
}
