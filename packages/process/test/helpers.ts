import { readFileSync } from 'node:fs';
import { childPids } from '@aiopipe/testing';

/** An error with whatever fields it has. */
export type Failure = Error & { readonly code?: string } & Readonly<Record<string, unknown>>;

export async function errorOf(promise: Promise<unknown>): Promise<Failure> {
  try {
    await promise;
  } catch (error) {
    return error as Failure;
  }
  throw new Error('it did not reject');
}

export function thrownBy(call: () => unknown): Failure {
  try {
    call();
  } catch (error) {
    return error as Failure;
  }
  throw new Error('it did not throw');
}

/** Numbers in [0, 1) that are the same in every run: a failure can be had again. (mulberry32) */
export function randomFrom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

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
