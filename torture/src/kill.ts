import { childPids } from '@aiopipe/testing';
import { type World } from './world.js';

/** The signals that a process may get. A stopped process goes on after a while. */
export const SIGNALS = ['SIGKILL', 'SIGTERM', 'SIGSTOP', 'SIGKILL'] as const;

/** Sends a signal to one of this process's children, chosen by chance. Tells it as a fault. */
export function harmOne(world: World, pids: readonly number[] = childPids()): void {
  if (pids.length === 0) return;
  const pid = world.pick(pids);
  const signal = world.pick(SIGNALS);
  try {
    process.kill(pid, signal);
  } catch {
    return; // it has ended meanwhile
  }
  world.fault(signal);
  if (signal === 'SIGSTOP') {
    setTimeout(
      () => {
        try {
          process.kill(pid, 'SIGCONT');
        } catch {
          // killed since
        }
      },
      world.between(1, 200),
    );
  }
}

/** Harms children at random moments, until the function that it returns is called. */
export function harmer(world: World, most: number, pids?: () => readonly number[]): () => void {
  let timer: NodeJS.Timeout | undefined;
  let left = most;
  const next = () => {
    if (left-- <= 0) return;
    timer = setTimeout(
      () => {
        harmOne(world, pids?.());
        next();
      },
      world.between(0, 150),
    );
  };
  next();
  return () => {
    clearTimeout(timer);
  };
}
