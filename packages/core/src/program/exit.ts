import { type SignalName } from './signals.js';

/**
 * The resources that a program used, as the system counted them at its end. Names and units are those of `process.resourceUsage()`.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using program = popen(['sort', '/dev/null']);
 * const { userCPUTime, systemCPUTime, maxRSS } = (await program.wait()).resourceUsage;
 * console.log(userCPUTime + systemCPUTime > 0, maxRSS > 0); // microseconds, KiB
 * ```
 * ```text
 * true true
 * ```
 */
export interface ResourceUsage {
  /** Microseconds. */
  readonly userCPUTime: number;
  /** Microseconds. */
  readonly systemCPUTime: number;
  /**
   * Kibibytes: the largest resident set. Never less than what this process had when it started the program, since the
   * system counts the moment before the program takes our memory's place (execve(2), wait4(2)).
   */
  readonly maxRSS: number;
}

/**
 * How a program ended: one of the two codes is null.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using program = popen(['sh', '-c', 'exit 3']);
 * const { exitCode, signalCode, resourceUsage } = await program.wait();
 * console.log(exitCode, signalCode, resourceUsage.maxRSS > 0);
 * ```
 * ```text
 * 3 null true
 * ```
 */
export interface Exit {
  readonly exitCode: number | null;
  readonly signalCode: SignalName | null;
  readonly resourceUsage: ResourceUsage;
}
