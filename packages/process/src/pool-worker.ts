import { EncodeError, FrameTooLongError, type Channel } from '@aiopipe/codec';
import { portableError } from './portable-error.js';
import { loadFunction, target } from './target.js';

/** What a worker is asked. */
export interface Task {
  readonly id: number;
  readonly args: readonly unknown[];
}

/** What it answers. */
export type Outcome =
  { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: unknown };

/** What each child of a pool runs: the pool's target, once for each task. */
export const serve = target(
  import.meta.url,
  'serve',
  async (tasks: Channel<Outcome, Task>, url: string, name: string): Promise<void> => {
    const run = await loadFunction(url, name);
    for await (const { id, args } of tasks) {
      await answer(tasks, await outcomeOf(id, async () => run(...args)));
    }
  },
);

async function outcomeOf(id: number, run: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { id, value: await run() };
  } catch (error) {
    return { id, error: portableError(error) };
  }
}

async function answer(tasks: Channel<Outcome, Task>, outcome: Outcome): Promise<void> {
  try {
    await tasks.put(outcome);
  } catch (error) {
    // A result that can't be sent is the task's failure, and no reason for the worker to end.
    if (!(error instanceof EncodeError || error instanceof FrameTooLongError)) throw error;
    await tasks.put({ id: outcome.id, error: portableError(error) });
  }
}
