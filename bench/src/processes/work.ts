import { runLaps, type Laps } from '../harness/laps.js';

/** Tasks for a pool. */
export interface PoolWork {
  readonly workers: number;
  /** Tasks that are asked for and not answered yet, in all. */
  readonly outstanding: number;
  /** Bytes that go to the task and come back; 0 for a task without arguments and result. */
  readonly size: number;
}

/** What any pool offers. */
export interface AnyPool {
  run(payload: Buffer | undefined): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Laps of tasks: always as many outstanding as the work says, as long as there are so many left. */
export async function runTasks(laps: Laps, { outstanding, size }: PoolWork, pool: AnyPool): Promise<void> {
  const payload = size === 0 ? undefined : Buffer.alloc(size, 'x');
  await runLaps(laps, async (amount) => {
    let left = amount;
    const one = async () => {
      while (left-- > 0) await pool.run(payload);
    };
    await Promise.all(Array.from({ length: outstanding }, one));
  });
  await pool.close();
}
