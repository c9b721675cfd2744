import { readFileSync } from 'node:fs';
import { childPids } from '@aiopipe/testing';

export { errorOf, randomFrom, thrownBy, type Failure } from '@aiopipe/testing';

/** Our children, zombies among them, that were not among these. */
export function childrenSince(before: readonly number[]): number[] {
  return childPids().filter((pid) => !before.includes(pid));
}

/** Our children that are called so: `name` is the last word of their command line. */
export function childrenNamed(name: RegExp): number[] {
  return childPids().filter((pid) => name.test(commandOf(pid).at(-1) ?? ''));
}

/** The words that a process was started with; none for one that is gone. */
export function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8')
      .split('\0')
      .slice(0, -1);
  } catch {
    return [];
  }
}
