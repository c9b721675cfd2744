import type { PoolEventMessage, SupervisorEventMessage } from '@aiopipe/process';
import { Instruments } from './instruments.js';
import { all, listen, type Undo } from '../subscribe.js';

/** Why a worker that was not asked to end has ended. */
const LOSSES: ReadonlySet<string> = new Set(['died', 'broken', 'cancelled', 'memory']);

/** Counts the children that were started again: those of supervisors, and the workers of pools. */
export function measureRestarts(): Undo {
  const instruments = new Instruments((meter) => ({
    children: meter.createCounter('aiopipe.supervisor.restarts', {
      description: 'Children that a supervisor has started again.',
      unit: '{restart}',
    }),
    workers: meter.createCounter('aiopipe.pool.restarts', {
      description: 'Workers of a pool that ended without being asked to, and are replaced.',
      unit: '{restart}',
    }),
  }));
  return all(
    listen<SupervisorEventMessage>('aiopipe:supervisor.event', ({ event }) => {
      if (event.type !== 'started' || event.restarts === 0) return;
      instruments.current.children.add(1, { 'aiopipe.supervisor.child': event.id });
    }),
    listen<PoolEventMessage>('aiopipe:pool.event', ({ pool, event }) => {
      if (event.type !== 'worker-ended' || !LOSSES.has(event.reason)) return;
      instruments.current.workers.add(1, { 'aiopipe.pool': pool.title, 'aiopipe.worker.end_reason': event.reason });
    }),
  );
}
