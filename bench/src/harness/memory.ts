import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type Runner } from './part.js';

/** Whether the system tells what its processes hold. */
export const canMeasureMemory = existsSync('/proc/self/statm');

/** Linux on every machine that runs this. */
const PAGE_SIZE = 4096;

/** Does the work, and resolves to the bytes that its process and all under it hold then (their resident sets, added up). */
export function measuringMemory(runner: Required<Runner>): Runner {
  return {
    async run(amount) {
      await runner.run(amount);
      return residentBytes(runner.pid);
    },
    [Symbol.asyncDispose]: () => runner[Symbol.asyncDispose](),
  };
}

function residentBytes(pid: number): number {
  const processes = `/proc/${String(pid)}`;
  const own = Number(readFileSync(`${processes}/statm`, 'latin1').split(' ')[1]) * PAGE_SIZE;
  const children = readdirSync(`${processes}/task`).flatMap((thread) =>
    readFileSync(`${processes}/task/${thread}/children`, 'latin1').trim().split(' ').filter(Boolean).map(Number),
  );
  return children.reduce((sum, child) => sum + residentBytes(child), own);
}
