// The functions of a pool whose workers remember something between their tasks.
import { target, workerContext } from '@aiopipe/process';

interface Remembered {
  tasks: number;
}

export const remembers = target(import.meta.url, 'remembers', (): Remembered => ({ tasks: 0 }));

/** The line that a worker prints at its end, unless it is killed. */
export const LAST_LINE = 'the end';

export const forgets = target(import.meta.url, 'forgets', () => {
  process.stdout.write(`${LAST_LINE}\n`);
});

/** Which worker did a task, and how many it did before. */
export interface Counted {
  readonly id: number;
  readonly pid: number;
  readonly before: number;
}

/** Prints a line, and tells who did the task. */
export const counts = target(import.meta.url, 'counts', (id: number): Counted => {
  process.stdout.write(`task ${String(id)}\n`);
  return { id, pid: process.pid, before: workerContext<Remembered>().tasks++ };
});
