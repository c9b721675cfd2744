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

/** What any pool offers. */
export interface AnyPool {
  run(payload: Buffer | undefined): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Tasks before the first lap: its workers have started then, and their code is compiled. */
const WARM_UP = { empty: 10_000, full: 20 };

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
  await work(size === 0 ? WARM_UP.empty : WARM_UP.full);
  await runLaps(laps, work);
  await pool.close();
}
