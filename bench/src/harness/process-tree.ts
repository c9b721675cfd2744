import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Whether the system tells which processes there are under one, and what they hold. */
export const hasProcessTree = existsSync('/proc/self/statm');

/** The process itself, and all under it. */
export function processTree(pid: number): number[] {
  const tasks = `/proc/${String(pid)}/task`;
  const children = readdirSync(tasks).flatMap((thread) =>
    readFileSync(`${tasks}/${thread}/children`, 'latin1').trim().split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(processTree)];
}
