import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { native } from '../fd/native.js';
import { sendSignal } from './signals.js';

const ESRCH = -constants.errno.ESRCH;

/**
 * Sends a signal to a process group that a program of ours leads. Returns false if no process got it.
 *
 * A pid is free for others once its process was reaped and its group is empty. So if a process has that pid after ours was
 * reaped, the group of that number is not ours.
 */
export function signalGroup(leader: number, isReaped: boolean, signal: number): boolean {
  if (isReaped && native().kill(leader, 0) !== ESRCH) return false;
  return sendSignal(-leader, signal);
}

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
