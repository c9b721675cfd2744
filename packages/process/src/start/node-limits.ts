import { readFileSync } from 'node:fs';
import { type Limits } from '@aiopipe/core';
import { show } from '@aiopipe/core/internal';

/** Bytes. With as much, no Node from 20 to 26 boots: it aborts. With 40 MiB it waits for ever for a thread that could not start. */
const TOO_LITTLE = 48 * 1024 * 1024;

/** Bytes: what V8 of Node 24 and later maps on x64 and arm64. */
const USUAL = 512 * 1024 * 1024;
/** Bytes. Smaller mappings hold code that was compiled. */
const SMALLEST = 64 * 1024 * 1024;

let reserved: number | undefined;

/** Throws a TypeError for memory with which a child could wait in Node's boot for ever. */
export function checkNodeMemory(limits: Limits | undefined): void {
  const memory = limits?.memory;
  if (memory === undefined || memory >= TOO_LITTLE) return;
  throw new TypeError(
    `limits.memory: Node.js cannot start with less than ${String(TOO_LITTLE)} bytes (48 MiB), and needs about 100 MiB; not ${show(memory)}`,
  );
}

/**
 * Returns the limits of a child that runs this Node. Since Node 24, V8 maps the memory for compiled code as a whole, so that all of it
 * counts, used or not: with less the child could not boot.
 */
export function limitsFor(limits: Limits | undefined): Limits | undefined {
  if (limits?.memory === undefined) return limits;
  return { ...limits, memory: limits.memory + (reserved ??= reservedForCode()) };
}

/** It is the same in this process, which has the same Node: a private mapping without a file, for writing and executing. */
function reservedForCode(): number {
  let maps: string;
  try {
    maps = readFileSync('/proc/self/maps', 'latin1');
  } catch {
    return USUAL; // the permission model hides it, or there is no /proc
  }
  const mappings = maps.matchAll(/^(\w+)-(\w+) rwxp \w+ 00:00 0 *$/gm);
  const sizes = [...mappings].map(([, from, to]) => Number(`0x${to ?? ''}`) - Number(`0x${from ?? ''}`));
  const largest = Math.max(0, ...sizes);
  return largest < SMALLEST ? 0 : largest;
}
