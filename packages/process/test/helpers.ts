import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childPids, commandOf, isRunning } from '@aiopipe/testing';

export { commandOf, errorOf, randomFrom, thrownBy, type Failure } from '@aiopipe/testing';

/** The options of unshare(1) under which a program is process 1 of a namespace of its own. */
export const NAMESPACE = ['--pid', '--fork', '--mount-proc', '--kill-child'];
export const hasNamespaces = (): boolean => spawnSync('unshare', [...NAMESPACE, 'true']).status === 0;

/** Our children, zombies among them, that were not among these. */
export function childrenSince(before: readonly number[]): number[] {
  return childPids().filter((pid) => !before.includes(pid));
}

/** Our children that are called so: `name` is the last word of their command line. */
export function childrenNamed(name: RegExp): number[] {
  return childPids().filter((pid) => name.test(commandOf(pid).at(-1) ?? ''));
}

/** A directory for the files of a test file, and names in it that no test had before. */
export function scratchFiles(): { newFile(): string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'aiopipe-'));
  let count = 0;
  return {
    newFile: () => join(directory, String(count++)),
    remove: () => {
      rmSync(directory, { recursive: true });
    },
  };
}

export const linesOf = (file: string): string[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];

/** Whether a process is gone or a zombie. */
export const hasEnded = (pid: number): boolean => !isRunning(pid);
