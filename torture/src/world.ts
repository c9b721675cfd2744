import { writeSync } from 'node:fs';
import { randomFrom } from '@aiopipe/testing';
import { type Coverage, type ScriptCoverage } from './fuzz/coverage.js';

/** The kinds of work that an episode counts. */
export type Counted = 'messages' | 'calls' | 'tasks' | 'bytes' | 'starts' | 'chains' | 'threads' | 'inputs';

/** One line from an episode to the process that judges it. */
export type Told =
  | { readonly kind: 'count'; readonly what: Counted; readonly n: number }
  | { readonly kind: 'fault'; readonly what: string; readonly n: number }
  | { readonly kind: 'at'; readonly what: string }
  | { readonly kind: 'wrong'; readonly what: string }
  | { readonly kind: 'pid'; readonly pid: number }
  | { readonly kind: 'coverage'; readonly script: ScriptCoverage }
  | ({ readonly kind: 'done' } & End);

/** How an episode that was not killed ended. */
export interface End {
  /** Milliseconds: the longest time in which it counted nothing. */
  readonly stall: number;
  /** Descriptors and child processes that were not there when it began. */
  readonly descriptors: number;
  readonly processes: number;
}

/** The descriptor on which an episode tells what it does. Its lines outlive a SIGKILL of the episode. */
const TELL = 3;

/** Gives an episode its random decisions, all from one seed, and reports what it does. */
export class World {
  readonly random: () => number;
  readonly #isTold: boolean;
  #last = performance.now();
  #stall = 0;

  constructor(seed: number, isTold = true) {
    this.random = randomFrom(seed);
    this.#isTold = isTold;
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1));
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.random() * items.length)] as Item;
  }

  begin(): void {
    this.#tell({ kind: 'pid', pid: process.pid });
  }

  /** Counts what was checked and right. */
  count(what: Counted, n = 1): void {
    const now = performance.now();
    this.#stall = Math.max(this.#stall, now - this.#last);
    this.#last = now;
    this.#tell({ kind: 'count', what, n });
  }

  /** Counts faults that were injected. */
  fault(what: string, n = 1): void {
    this.#tell({ kind: 'fault', what, n });
  }

  /** Says what comes next, so that a hang has a place. */
  at(what: string): void {
    this.#tell({ kind: 'at', what });
  }

  /** Checks a condition. If it does not hold, the episode has found a failure. */
  check(holds: boolean, what: string): void {
    if (!holds) this.#tell({ kind: 'wrong', what });
  }

  /** Reports the code that has run, and ends the coverage. */
  tellCoverage(coverage: Coverage): void {
    for (const script of coverage.finish()) this.#tell({ kind: 'coverage', script });
  }

  done(descriptors: number, processes: number): void {
    const stall = Math.max(this.#stall, performance.now() - this.#last);
    this.#tell({ kind: 'done', stall, descriptors, processes });
  }

  #tell(told: Told): void {
    if (!this.#isTold) return;
    const line = Buffer.from(`${JSON.stringify(told)}\n`);
    for (let sent = 0, tries = 0; sent < line.length; tries++) {
      try {
        sent += writeSync(TELL, line, sent);
      } catch (error) {
        // This call may be the one that is made to fail.
        if (tries === 100) throw error;
      }
    }
  }
}
