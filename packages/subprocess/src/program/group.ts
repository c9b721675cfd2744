import { readdirSync, readFileSync } from 'node:fs';

/**
 * Whether someone in the process group runs. A signal alone can't tell: it also reaches what has ended and was not
 * reaped yet, and in a container whose first process reaps nothing that stays for ever. Where there is no `/proc`, all
 * count as running.
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
