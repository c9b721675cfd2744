import { optionNames, refuseOptions } from '../check/options.js';
import { handled } from '../wait/handled.js';
import { refuseMilliseconds } from '../check/milliseconds.js';
import { refuse, type WaitOptions } from '../wait/pending.js';
import { now } from '../wait/saved-globals.js';
import { Timer } from '../wait/timer.js';
import { type SpawnedProgram } from './spawn.js';

/**
 * How a child is ended.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using program = popen(['sleep', '60']);
 * const { signalCode } = await program.stop({ grace: 500 });
 * console.log(signalCode);
 * ```
 * ```text
 * SIGTERM
 * ```
 */
export interface StopOptions {
  /** Milliseconds from SIGTERM to SIGKILL; 2000 by default. With Infinity there is no SIGKILL. */
  readonly grace?: number | undefined;
  /** Ends the wait, and not the stopping: the promise rejects with an AbortError, and SIGKILL is sent all the same. */
  readonly signal?: AbortSignal | undefined;
}

const STOP_OPTIONS = optionNames<StopOptions>({ grace: true, signal: true });

/** The default grace period: milliseconds from SIGTERM to SIGKILL. */
export const DEFAULT_GRACE = 2000;
/** Milliseconds to wait after SIGKILL: a program of another user (`sudo`) cannot be killed, and never ends. */
const AFTER_KILL = 500;

/**
 * Implements `stop()` of a program or a process: ends it as {@link stopPrograms} does, and resolves as `wait` does. The
 * promise is marked as handled: an unawaited rejection does not end this process.
 *
 * @param programs - none, if it could not be started
 * @param wait - waits for the exit
 */
export function stop<Exit>(
  programs: readonly SpawnedProgram[],
  options: StopOptions | undefined,
  wait: (options: WaitOptions) => Promise<Exit>,
): Promise<Exit> {
  const { grace = DEFAULT_GRACE, signal } = options ?? {};
  const refusal =
    refuseOptions(options, STOP_OPTIONS) ?? refuseMilliseconds('grace', grace) ?? refuse({ signal }, undefined);
  if (refusal !== undefined) return handled(Promise.reject(refusal));
  const stopped = stopPrograms(programs, grace);
  return handled(Promise.all([wait({ signal }), stopped]).then(([exit]) => exit));
}

/** Programs that were sent SIGTERM. A second one means "at once" to some programs. */
const terminated = new WeakSet<SpawnedProgram>();

/**
 * Ends programs that share the first one's process group, if it leads one: SIGTERM, and SIGKILL after `grace` ms. Resolves
 * when nothing of them runs, or if they cannot be killed. Never rejects.
 */
export async function stopPrograms(programs: readonly SpawnedProgram[], grace: number): Promise<void> {
  const [first] = programs;
  if (first === undefined) return;
  const exited = Promise.all(programs.map((program) => program.exited));
  const areRunning = () => programs.some((program) => program.exit === undefined);

  if (!terminated.has(first)) signalAll(programs, 'SIGTERM');
  terminated.add(first);
  const deadline = now() + grace;
  await within(exited, grace);
  // Processes that the programs started send no event at their end. So they are polled, less and less often.
  for (let pause = 1; !areRunning() && first.groupIsRunning; pause = Math.min(2 * pause, 50)) {
    const left = deadline - now();
    if (left <= 0) break;
    await delay(Math.min(pause, left));
  }
  if (!areRunning() && !first.groupIsRunning) return;
  signalAll(programs, 'SIGKILL');
  await within(exited, AFTER_KILL);
  // One that gets the signal ends sooner or later, and who waits for it needs the event loop.
  for (const program of programs) if (!program.kill('SIGKILL')) program.unref();
}

function signalAll(programs: readonly SpawnedProgram[], signal: 'SIGTERM' | 'SIGKILL'): void {
  const [first] = programs;
  const reached = first?.leadsGroup === true && first.killGroup(signal);
  // One by one, for programs that have left the group. They must not get SIGTERM twice.
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
