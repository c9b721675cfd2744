import { constants } from 'node:os';
import { show } from '../check/show.js';
import { native } from '../fd/native.js';

/**
 * A signal by name. Real-time signals are named as a shell names them: `SIGRTMIN`, `SIGRTMIN+1`.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using program = popen(['sleep', '60']);
 * program.kill('SIGINT');
 * console.log((await program.wait()).signalCode);
 * ```
 * ```text
 * SIGINT
 * ```
 */
export type SignalName = NodeJS.Signals | 'SIGRTMIN' | `SIGRTMIN+${number}`;

/** The first real-time signal that programs have for themselves, and the last (signal(7)). */
const FIRST_REAL_TIME = 34;
const LAST = 64;

const numbers: Readonly<Record<string, number>> = constants.signals;

/**
 * Returns the system's number of a signal. Throws TypeError unless it is the name of one, or a number that can be one: 0 only
 * asks whether the process exists.
 */
export function signalNumber(signal: unknown): number {
  if (typeof signal === 'number' && Number.isInteger(signal) && signal >= 0 && signal <= LAST) return signal;
  if (typeof signal === 'string') {
    const number = Object.hasOwn(numbers, signal) ? numbers[signal] : realTimeNumber(signal);
    if (number !== undefined) return number;
  }
  throw new TypeError(
    `signal: ${show(signal)} does not exist; expected a name such as 'SIGTERM', or a number from 0 to ${String(LAST)}`,
  );
}

function realTimeNumber(name: string): number | undefined {
  const [, offset] = /^SIGRTMIN(?:\+(\d{1,2}))?$/.exec(name) ?? ['', 'none'];
  const number = FIRST_REAL_TIME + Number(offset ?? 0);
  return number <= LAST ? number : undefined;
}

/** Returns the name of the signal with that number. */
export function signalName(number: number): SignalName {
  const entry = Object.entries(numbers).find(([, value]) => value === number);
  if (entry !== undefined) return entry[0] as NodeJS.Signals;
  const offset = number - FIRST_REAL_TIME;
  // The C library has the two below it for itself.
  return offset === 0 ? 'SIGRTMIN' : `SIGRTMIN+${offset}`;
}

/**
 * Sends a signal to a process, or to a process group if `target` is negative. Returns false if no process got it. SIGTERM
 * does not reach a stopped process before SIGCONT does.
 */
export function sendSignal(target: number, signal: number): boolean {
  const result = native().kill(target, signal);
  if (signal === constants.signals.SIGTERM) native().kill(target, constants.signals.SIGCONT);
  return result === 0;
}
