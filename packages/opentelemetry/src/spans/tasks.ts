import { SpanKind, type Attributes } from '@opentelemetry/api';
import type { ClusterTask, MachineTask } from '@aiopipe/nats';
import type { PoolTask, WorkerTask } from '@aiopipe/process';
import { recordAttempts } from './attempts.js';
import { taskAttributes } from './messaging.js';
import { traceOperation } from './operation.js';
import { all, type Undo } from '../subscribe.js';

/**
 * A task has a span from its call to its outcome, with the pool, and one for the run of its target, in the worker. A task of a
 * cluster has one from its call to its outcome, at the caller, and one on the machine, around those of the machine's pool.
 */
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
          ...keyAttributes(priority, key),
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
    traceOperation<ClusterTask>({
      channel: 'aiopipe:cluster.task',
      describe: ({ cluster, target, kind, priority, key }) => ({
        name: `${kind} ${target}`,
        kind: SpanKind.PRODUCER,
        attributes: {
          ...taskAttributes(target, 'send', kind),
          'aiopipe.cluster': cluster,
          ...keyAttributes(priority, key),
        },
      }),
      settled: (span, { id, machine, attempts }) => {
        if (id !== undefined) span.setAttribute('messaging.message.id', id);
        if (machine !== undefined) span.setAttribute('aiopipe.machine', machine);
        if (attempts !== undefined) span.setAttribute('aiopipe.task.attempts', attempts);
      },
    }),
    traceOperation<MachineTask>({
      channel: 'aiopipe:machine.task',
      describe: ({ machine, cluster, target, id, attempt }) => ({
        name: `serve ${target}`,
        kind: SpanKind.CONSUMER,
        attributes: {
          ...taskAttributes(target, 'process', 'serve'),
          'messaging.message.id': id,
          'aiopipe.cluster': cluster,
          'aiopipe.machine': machine,
          'aiopipe.task.attempts': attempt,
        },
      }),
    }),
  );
}

function keyAttributes(priority: number, key: string | number | undefined): Attributes {
  return {
    ...(priority !== 0 && { 'aiopipe.task.priority': priority }),
    ...(key !== undefined && { 'aiopipe.task.key': key }),
  };
}
