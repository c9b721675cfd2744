import { type Channel } from '@aiopipe/codec';
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
      await tasks.put(await outcomeOf(id, async () => run(...args)));
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
