import { addCarrier } from './context/carrier.js';
import { flushAtEnd } from './flush.js';
import { measureChannels } from './metrics/channels.js';
import { measureClusters } from './metrics/clusters.js';
import { measurePools } from './metrics/pools.js';
import { measureProcesses } from './metrics/processes.js';
import { measureRestarts } from './metrics/restarts.js';
import { traceCalls } from './spans/calls.js';
import { tracePipelines } from './spans/pipelines.js';
import { traceProcesses } from './spans/processes.js';
import { traceTasks } from './spans/tasks.js';
import { type Undo } from './subscribe.js';

/** The instrumentation belongs to the process: two copies of this package may be loaded, and each span must come once. */
const INSTRUMENTED = Symbol.for('@aiopipe/opentelemetry.instrumented');

interface Instrumented {
  /** How many calls of `instrument()` want it. */
  users: number;
  undo: readonly Undo[];
}

const state = ((globalThis as { [INSTRUMENTED]?: Instrumented })[INSTRUMENTED] ??= { users: 0, undo: [] });

/**
 * Makes spans and metrics of what aiopipe does in this process, and takes the trace's context to child processes, tasks, calls and
 * programs. The OpenTelemetry SDK may be started before or after this call; without an SDK nothing is recorded.
 *
 * A further call changes nothing. Dispose of what each call has returned to end the instrumentation: spans that are open then are lost.
 *
 * @example
 * ```ts
 * import { instrument } from '@aiopipe/opentelemetry';
 * import { isChild, Pool, target } from '@aiopipe/process';
 *
 * instrument(); // in each process: also in the workers, which evaluate this module
 * export const square = target(import.meta.url, 'square', (n: number) => n * n);
 *
 * if (!isChild()) {
 *   await using pool = new Pool(square, { size: 1 });
 *   console.log(await pool.run(5)); // a span of its own, if an SDK is started
 * }
 * ```
 * ```text
 * 25
 * ```
 */
export function instrument(): Disposable {
  if (state.users++ === 0) {
    state.undo = [
      addCarrier(),
      traceProcesses(),
      traceTasks(),
      tracePipelines(),
      traceCalls(),
      measureProcesses(),
      measurePools(),
      measureRestarts(),
      measureChannels(),
      measureClusters(),
      flushAtEnd(),
    ];
  }
  let isDisposed = false;
  return {
    [Symbol.dispose]: () => {
      if (isDisposed) return;
      isDisposed = true;
      if (--state.users > 0) return;
      for (const undo of state.undo) undo();
      state.undo = [];
    },
  };
}
