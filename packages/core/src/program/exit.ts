import { type SignalName } from './signals.js';

/** The resources that a program used, as the system counted them at its end. Names and units are those of `process.resourceUsage()`. */
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

/** How a program ended: one of the two codes is null. */
export interface Exit {
  readonly exitCode: number | null;
  readonly signalCode: SignalName | null;
  readonly resourceUsage: ResourceUsage;
}
