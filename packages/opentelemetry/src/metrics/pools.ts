import type { ObservableCallback } from '@opentelemetry/api';
import type { ObservedPool, PoolMessage, PoolTask } from '@aiopipe/process';
import { errorType } from '../error-type.js';
import { SECONDS } from './buckets.js';
import { Instruments } from './instruments.js';
import { all, listen, type Undo } from '../subscribe.js';

/** Measures the queues of pools, and how long tasks wait and run. */
export function measurePools(): Undo {
  const pools = new OpenPools();
  const instruments = new Instruments((meter, onEnd) => {
    const queue = meter.createObservableUpDownCounter('aiopipe.pool.queue.length', {
      description: 'Tasks that wait for a worker.',
      unit: '{task}',
    });
    const observe: ObservableCallback = (result) => {
      for (const [title, length] of pools.queueLengths()) result.observe(length, { 'aiopipe.pool': title });
    };
    queue.addCallback(observe);
    onEnd(() => {
      queue.removeCallback(observe);
    });
    return {
      wait: meter.createHistogram('aiopipe.pool.task.wait.duration', {
        description: 'Time from the call of a task until a worker came to it.',
        unit: 's',
        advice: { explicitBucketBoundaries: SECONDS },
      }),
      run: meter.createHistogram('aiopipe.pool.task.run.duration', {
        description: "Time that a task's last worker needed for it.",
        unit: 's',
        advice: { explicitBucketBoundaries: SECONDS },
      }),
    };
  });
  return all(
    listen<PoolMessage>('aiopipe:pool.open', ({ pool }) => {
      pools.add(pool);
      void instruments.current;
    }),
    listen<PoolMessage>('aiopipe:pool.close', ({ pool }) => {
      pools.delete(pool);
    }),
    listen<PoolTask>('tracing:aiopipe:pool.task:asyncEnd', (task) => {
      const { wait, run } = instruments.current;
      const [first] = task.attempts;
      const last = task.attempts.at(-1);
      if (first === undefined || last === undefined) return;
      const attributes = { 'aiopipe.pool': task.pool, 'messaging.destination.name': task.target };
      wait.record(seconds(task.calledAt, first.startedAt), attributes);
      if (last.endedAt === undefined) return;
      const outcome = 'error' in task && { 'error.type': errorType(task.error) };
      run.record(seconds(last.startedAt, last.endedAt), { ...attributes, ...outcome });
    }),
    () => {
      instruments.end();
    },
  );
}

/** The pools of this process, by their titles: two pools may have the same one. */
class OpenPools {
  readonly #byTitle = new Map<string, Set<ObservedPool>>();

  add(pool: ObservedPool): void {
    const { title } = pool;
    const others = this.#byTitle.get(title);
    if (others === undefined) this.#byTitle.set(title, new Set([pool]));
    else others.add(pool);
  }

  /** The title stays: the SDK would go on to report the last length of a pool that is no longer observed. */
  delete(pool: ObservedPool): void {
    this.#byTitle.get(pool.title)?.delete(pool);
  }

  *queueLengths(): Generator<[title: string, length: number]> {
    for (const [title, pools] of this.#byTitle) {
      let length = 0;
      for (const { stats } of pools) length += stats.queued;
      yield [title, length];
    }
  }
}

/** The wall clock may have been set back. */
function seconds(from: number, to: number): number {
  return Math.max(0, to - from) / 1000;
}
