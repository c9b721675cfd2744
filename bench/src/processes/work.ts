import { type SerializationType } from 'node:child_process';
import { runLaps, type Laps } from '../harness/laps.js';

/** Tasks for a pool. */
export interface PoolWork {
  readonly workers: number;
  /** Tasks that are asked for and not answered yet, in all. */
  readonly outstanding: number;
  /** Microseconds for which our pool looks for the next message before it sleeps. */
  readonly spin?: number | undefined;
  /** Bytes that go to the task and come back; 0 for a task without arguments and result. */
  readonly size: number;
}

/** The interface that all pools share. */
export interface AnyPool {
  run(payload: Buffer | undefined): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Before the first lap, so many tasks or so long: its workers have started then, and V8 has compiled their code. On a slow core that takes seconds. */
const WARM_UP = { tasks: 20_000, ms: 4000 };

/**
 * For the pools that fork as node:child_process does. JSON is the faster one and their own choice, but makes something
 * else of a Buffer.
 */
export const serializationFor = ({ size }: PoolWork): SerializationType => (size === 0 ? 'json' : 'advanced');

/** Laps of tasks: always as many outstanding as the work says, as long as there are so many left. */
export async function runTasks(laps: Laps, { outstanding, size }: PoolWork, pool: AnyPool): Promise<void> {
  const payload = size === 0 ? undefined : Buffer.alloc(size, 'x');
  const work = async (amount: number) => {
    let left = amount;
    const one = async () => {
      while (left-- > 0) await pool.run(payload);
    };
    await Promise.all(Array.from({ length: outstanding }, one));
  };
  const start = performance.now();
  for (let done = 0; done < WARM_UP.tasks && performance.now() - start < WARM_UP.ms; done += outstanding) {
    await work(outstanding);
  }
  await runLaps(laps, work);
  await pool.close();
}
