import { SpanKind } from '@opentelemetry/api';
import type { PoolTask, WorkerTask } from '@aiopipe/process';
import { recordAttempts } from './attempts.js';
import { taskAttributes } from './messaging.js';
import { traceOperation } from './operation.js';
import { all, type Undo } from '../subscribe.js';

/** A task has a span from its call to its outcome, with the pool, and one for the run of its target, in the worker. */
export function traceTasks(): Undo {
  return all(
    traceOperation<PoolTask>({
      channel: 'aiopipe:pool.task',
      describe: ({ pool, target, kind, priority, key }) => ({
        name: `${kind} ${target}`,
        kind: SpanKind.PRODUCER,
        attributes: {
          ...taskAttributes(target, 'send', kind),
          'aiopipe.pool': pool,
          ...(priority !== 0 && { 'aiopipe.task.priority': priority }),
          ...(key !== undefined && { 'aiopipe.task.key': key }),
        },
      }),
      settled: recordAttempts,
    }),
    traceOperation<WorkerTask>({
      channel: 'aiopipe:worker.task',
      describe: ({ target }) => ({
        name: `process ${target}`,
        kind: SpanKind.CONSUMER,
        attributes: taskAttributes(target, 'process', 'process'),
      }),
    }),
  );
}
