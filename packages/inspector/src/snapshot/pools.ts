import type { ObservedPool } from '@aiopipe/process';
import { type PoolNotes } from '../watch/pools.js';
import { type WeakList } from '../watch/weak-list.js';
import { type PoolSnapshot } from './types.js';

export function snapshotPools(list: WeakList<ObservedPool, PoolNotes>, time: number): PoolSnapshot[] {
  return [...list].map(({ item, notes }) => {
    const { workers: _, ...counts } = item.stats;
    const workers = item.workers.map(({ name, pid, state, tasks, task }) => ({
      name,
      pid,
      state,
      tasks,
      task: task && { target: task.target, startedAt: Math.round(time - task.runningFor) },
    }));
    return { ...notes, title: item.title, ...counts, workers };
  });
}
