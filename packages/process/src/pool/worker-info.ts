/**
 * A worker of a pool, as it is now.
 *
 * @example
 * ```ts
 * import { isChild, Pool, target } from '@aiopipe/process';
 *
 * export const square = target(import.meta.url, 'square', (n: number) => n * n);
 *
 * if (!isChild()) {
 *   await using pool = new Pool(square, { size: 1 });
 *   await pool.run(5);
 *   for (const { name, state, task, tasks } of pool.workers) console.log(name, state, task?.target, tasks);
 * }
 * ```
 * ```text
 * square-1 idle undefined 1
 * ```
 */
export interface WorkerInfo {
  /** As `ps` shows it. */
  readonly name: string;
  /** Undefined if the process could not be started. */
  readonly pid: number | undefined;
  readonly state: 'starting' | 'idle' | 'busy' | 'leaving';
  /** The task that it runs; undefined if there is none. */
  readonly task: RunningTaskInfo | undefined;
  /** How many tasks it was given. */
  readonly tasks: number;
}

/**
 * The task that a worker runs.
 *
 * @see the example of {@link WorkerInfo}
 */
export interface RunningTaskInfo {
  /** The name of the target. */
  readonly target: string;
  /** For how many milliseconds. */
  readonly runningFor: number;
}

/** The part of a worker's record that is shown. */
interface Shown {
  readonly worker: { readonly name: string; readonly pid: number | undefined };
  readonly isReady: boolean;
  readonly isLeaving: boolean;
  readonly task: { readonly target: { readonly name: string } } | undefined;
  readonly busySince: number;
  readonly count: number;
}

/** @param time - now, on the clock of `busySince` */
export function workerInfo({ worker, isReady, isLeaving, task, busySince, count }: Shown, time: number): WorkerInfo {
  const running = task && { target: task.target.name, runningFor: time - busySince };
  const state = isLeaving ? 'leaving' : !isReady ? 'starting' : running === undefined ? 'idle' : 'busy';
  return { name: worker.name, pid: worker.pid, state, task: running, tasks: count };
}
