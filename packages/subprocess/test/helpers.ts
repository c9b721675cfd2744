import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childPids, fdsSince, openFds } from '@aiopipe/testing';

/** Runs a line in a shell, to compare with. */
export function shell(line: string, input = ''): string {
  return execFileSync('sh', ['-c', line], { encoding: 'utf8', input, maxBuffer: 1 << 28 });
}

/** A directory of the test's own, gone when the callback has ended. */
export async function inDirectory<T>(callback: (path: (name: string) => string) => Promise<T> | T): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'subprocess-'));
  try {
    return await callback((name) => join(directory, name));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export type Failure = Error & { readonly code: string; readonly path?: string };

export function errorOf(callback: () => unknown): Failure {
  try {
    callback();
  } catch (error) {
    return error as Failure;
  }
  throw new Error('it did not throw');
}

/** Returns functions that list the pipes, sockets and children of this process that are new since this call. */
export function whatIsThere(): { fds: () => string[]; children: () => number[] } {
  const fds = openFds();
  const children = new Set(childPids());
  return { fds: () => fdsSince(fds), children: () => childPids().filter((pid) => !children.has(pid)) };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
