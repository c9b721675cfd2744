import { readFileSync } from 'node:fs';
import { type Runner } from './part.js';
import { processTree } from './process-tree.js';

/**
 * Does the work, and resolves to the bytes that its process and all under it hold then: their proportional set sizes, added up, in which
 * a page that several processes share counts once.
 */
export function measuringMemory(runner: Runner): Runner {
  return {
    ...runner,
    async run(amount) {
      await runner.run(amount);
      return processTree(runner.pid).reduce((sum, pid) => sum + proportionalBytes(pid), 0);
    },
  };
}

/** See proc(5), smaps_rollup. */
function proportionalBytes(pid: number): number {
  const text = readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'latin1');
  return Number(/^Pss:\s*(\d+) kB$/m.exec(text)?.[1]) * 1024;
}
