import { type World } from '../world.js';

/** A few seconds of work under faults. */
export interface Episode {
  /** A short description. */
  readonly about: string;
  /**
   * The program that starts the episode's process: `strace` with its options, say. If a fault ends Node before the episode has
   * begun, it is a fault of Node, and no failure. `log` is the path of a file that it may write.
   */
  readonly wrapper?: (world: World, log: string) => Wrapper;
  /** Whether the machine has what it needs; a reason if not. */
  readonly lacks?: () => string | undefined;
  /** Milliseconds in which the guard of the episode's process is harmed. Then the process itself is ended, which is no failure. */
  readonly killAfter?: (world: World) => number;
  /** Returns whether a SIGABRT that ended the process is no failure of ours. `log` is the text that the wrapper wrote. */
  readonly mayAbort?: (log: string) => boolean;
  readonly run: (world: World) => Promise<void>;
}

export interface Wrapper {
  /** Empty for none. */
  readonly words: readonly string[];
  /** The fault that it injects. */
  readonly fault?: string;
}
