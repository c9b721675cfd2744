import { readFileSync } from 'node:fs';
import { type Runner } from './part.js';
import { processTree } from './process-tree.js';

/** Linux on every machine that runs this. */
const PAGE_SIZE = 4096;

/** Does the work, and resolves to the bytes that its process and all under it hold then (their resident sets, added up). */
export function measuringMemory(runner: Runner): Runner {
  return {
    ...runner,
    async run(amount) {
      await runner.run(amount);
      return processTree(runner.pid).reduce((sum, pid) => sum + residentBytes(pid), 0);
    },
  };
}

const residentBytes = (pid: number) =>
  Number(readFileSync(`/proc/${String(pid)}/statm`, 'latin1').split(' ')[1]) * PAGE_SIZE;
