import { readdirSync, readFileSync } from 'node:fs';

/**
 * Whether a process of the group runs. A signal alone cannot tell: it also reaches a process that has ended and was not
 * reaped yet, and in a container whose first process reaps nothing such a process stays for ever. Without `/proc`, all count
 * as running.
 */
export function groupIsRunning(group: number): boolean {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return true;
  }
  return names.some((name) => /^\d+$/.test(name) && isRunningIn(group, name));
}

function isRunningIn(group: number, pid: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in parentheses, which may hold anything, parentheses too.
    const [state, , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(itsGroup) === group && state !== 'Z' && state !== 'X';
  } catch {
    return false; // it has ended since it was listed
  }
}
