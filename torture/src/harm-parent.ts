import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { childPids, guardPids, isRunning } from '@aiopipe/testing';
import { type World } from './world.js';

/** Milliseconds within which a guard that was killed has a successor, and so often it is looked for. */
const SUCCESSOR_MAY_TAKE = 10_000;
const LOOK_EVERY = 5;

/**
 * Harms the guard of a parent for some time, and then ends the parent: at once, or after it was stopped for a while, or after SIGTERM.
 *
 * `hasEnded` tells that the parent is gone. The parent itself must not harm its guard. If both are killed within a few milliseconds, what is stopped may be left.
 */
export async function harmParent(
  pid: number,
  milliseconds: number,
  world: World,
  count: (fault: string) => void,
  hasEnded: AbortSignal,
): Promise<void> {
  const end = performance.now() + milliseconds;
  while (performance.now() < end && !hasEnded.aborted) {
    await pause(Math.min(world.between(0, 300), Math.max(0, end - performance.now())));
    await harmGuard(pid, world, count);
  }
  // Its number may be another process's by now.
  if (hasEnded.aborted) return;
  // Its end finds some of its children stopped.
  for (const child of childPids(pid)) {
    if (world.between(0, 3) === 0 && send(child, 'SIGSTOP')) count('SIGSTOP');
  }
  const signals = world.pick<readonly NodeJS.Signals[]>([
    ['SIGKILL'],
    ['SIGKILL'],
    ['SIGTERM'],
    ['SIGSTOP', 'SIGKILL'],
    ['SIGSTOP', 'SIGCONT', 'SIGKILL'],
  ]);
  for (const signal of signals) {
    if (!send(pid, signal)) break;
    count(`${signal} to the parent`);
    if (signal !== 'SIGKILL') await pause(world.between(0, 300));
  }
}

/** Kills or stops the guard. A stopped one goes on when the parent ends. */
async function harmGuard(pid: number, world: World, count: (fault: string) => void): Promise<void> {
  const [guard] = guardPids(pid).filter(isSetUp);
  if (guard === undefined) return;
  const signal = world.pick(['SIGKILL', 'SIGKILL', 'SIGSTOP'] as const);
  if (!send(guard, signal)) return;
  count(`${signal} to the guard`);
  if (signal === 'SIGSTOP') return;
  for (let passed = 0; passed < SUCCESSOR_MAY_TAKE && isRunning(pid); passed += LOOK_EVERY) {
    if (guardPids(pid).some((other) => other !== guard && isSetUp(other))) return;
    await pause(LOOK_EVERY);
  }
}

/** Whether a guard has closed what it does not need. Then it has asked for the signal that lets it go on at its parent's end. */
function isSetUp(guard: number): boolean {
  try {
    return readdirSync(`/proc/${String(guard)}/fd`).length === 2;
  } catch {
    return false; // it has just ended
  }
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; // it has ended meanwhile
  }
}
