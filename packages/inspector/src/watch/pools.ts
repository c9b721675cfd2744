import type { ObservedPool, PoolEvent, PoolEventMessage, PoolMessage, WorkerEnded } from '@aiopipe/process';
import { type EventLog } from '../log/event-log.js';
import { durationWords, messageOf, workerEndWords } from '../log/words.js';
import { hear } from './subscribe.js';
import { WeakList } from './weak-list.js';

/** What is noted about a pool. */
export interface PoolNotes {
  readonly number: number;
  readonly startedAt: number;
}

/** The pools that there are. */
export class Pools {
  readonly list = new WeakList<ObservedPool, PoolNotes>();
  readonly #log: EventLog;

  constructor(log: EventLog) {
    this.#log = log;
    hear<PoolMessage>('aiopipe:pool.open', ({ pool }) => {
      this.list.add(pool, (number) => ({ number, startedAt: Date.now() }));
    });
    hear<PoolMessage>('aiopipe:pool.close', ({ pool }) => {
      this.list.delete(pool);
    });
    hear<PoolEventMessage>('aiopipe:pool.event', ({ pool, event }) => {
      this.#happened(pool, event);
    });
  }

  #happened(pool: ObservedPool, event: PoolEvent): void {
    const { pid, time } = event;
    const facts = { kind: 'pool', who: event.worker, of: pool.title, time, pid } as const;
    switch (event.type) {
      case 'worker-started':
        this.#log.add({ ...facts, type: 'started', what: 'is ready for tasks' });
        break;
      case 'worker-ended':
        this.#log.add({ ...facts, type: 'ended', ...workerEndWords(event), doing: lastWork(pool, event) });
        break;
      case 'task-retried': {
        const what = `had the task ${event.target}, which is given to another worker`;
        const next = `can be tried again ${String(event.retriesLeft)} more times`;
        this.#log.add({ ...facts, type: 'note', what: `${what}: ${messageOf(event.error)}`, next });
        break;
      }
      case 'output':
      // Lines by the thousand would drive out all else.
    }
  }
}

/** What a worker was doing when it ended: the pool still lists it. */
function lastWork(pool: ObservedPool, { worker, tasks, usage }: WorkerEnded): string {
  const task = pool.workers.find(({ name }) => name === worker)?.task;
  const memory = usage === undefined ? '' : `, ${(usage.maxRSS / 1024).toFixed(0)} MB at most`;
  const count = `${String(tasks)} ${tasks === 1 ? 'task' : 'tasks'} since its start${memory}`;
  return task === undefined
    ? `had no task; ${count}`
    : `ran ${task.target} for ${durationWords(task.runningFor)}; ${count}`;
}
