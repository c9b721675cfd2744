import { type World } from '../world.js';

/** A few seconds of work under faults. */
export interface Episode {
  /** What it does, in a few words. */
  readonly about: string;
  /**
   * What the episode's process is started by: `strace` with its options, say. If a fault ends Node before the episode has
   * begun, that is Node's, and no failure.
   */
  readonly wrapper?: (world: World) => Wrapper;
  /** Whether the machine has what it needs; a reason if not. */
  readonly lacks?: () => string | undefined;
  /** Milliseconds after which the episode's process gets SIGKILL, which is then no failure. */
  readonly killAfter?: (world: World) => number;
  /** Whether libuv may end the process: it aborts if a call fails that it cannot do without, such as a write to its eventfd. */
  readonly mayAbort?: boolean;
  readonly run: (world: World) => Promise<void>;
}

export interface Wrapper {
  /** Empty for none. */
  readonly words: readonly string[];
  /** What it injects. */
  readonly fault?: string;
}
