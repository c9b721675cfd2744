import { now, Timer } from '@aiopipe/core/internal';
import { type Program } from './popen.js';

/** Milliseconds from SIGTERM to SIGKILL, unless told otherwise. */
export const DEFAULT_GRACE = 2000;
/** Milliseconds that a killed program is waited for: one of another user (`sudo`) can't be killed, and never ends. */
const AFTER_KILL = 500;

/**
 * Ends programs that share the first one's process group, if it leads one: SIGTERM, and SIGKILL after `grace` ms.
 * Never rejects.
 */
export async function endPrograms(programs: readonly Program[], grace: number): Promise<void> {
  const [first] = programs;
  if (first === undefined) return;
  const exited = Promise.all(programs.map((program) => program.wait()));
  const areRunning = () => programs.some((program) => program.poll() === undefined);

  signalAll(programs, 'SIGTERM');
  const deadline = now() + grace;
  await within(exited, grace);
  // What the programs themselves have started sends us no event when it ends, so it is looked for, ever less often.
  for (let pause = 1; !areRunning() && first.groupIsRunning; pause = Math.min(2 * pause, 50)) {
    const left = deadline - now();
    if (left <= 0) break;
    await delay(Math.min(pause, left));
  }
  if (!areRunning() && !first.groupIsRunning) return;
  signalAll(programs, 'SIGKILL');
  await within(exited, AFTER_KILL);
  for (const program of programs) program.unref();
}

function signalAll(programs: readonly Program[], signal: 'SIGTERM' | 'SIGKILL'): void {
  const [first] = programs;
  const reached = first?.leadsGroup === true && first.killGroup(signal);
  // One by one for those that have left the group. A second SIGTERM would mean "at once" to some programs.
  if (!reached || signal === 'SIGKILL') for (const program of programs) program.kill(signal);
}

/** Resolves with the promise, which must not reject, or after `limit` ms. */
export async function within(promise: Promise<unknown>, limit: number): Promise<void> {
  let timer: Timer | undefined;
  const timedOut = new Promise<void>((resolve) => {
    timer = new Timer(resolve, limit);
  });
  await Promise.race([promise, timedOut]);
  timer?.cancel();
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    new Timer(resolve, milliseconds);
  });
}
