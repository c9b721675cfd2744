import { isThenable, now, Timer } from '@aiopipe/core/internal';
import { type ByteCounts, type FilePosition, type Run } from './run.js';

/** Milliseconds. */
export const DEFAULT_INTERVAL = 1000;

/**
 * Tells how far a stage of a chain is.
 *
 * @see the example of {@link Progress}
 */
export interface StageProgress {
  readonly name: string;
  /**
   * Bytes that the program has read, as the system counts them: also what it loads at its start. If it has ended, the last
   * known value. Undefined if the system does not tell.
   */
  readonly bytesRead: number | undefined;
  /** Bytes that the program has written, to stderr too; as `bytesRead` otherwise. */
  readonly bytesWritten: number | undefined;
  /** Bytes per second since the last report. */
  readonly readRate: number | undefined;
  /** Bytes per second since the last report. */
  readonly writeRate: number | undefined;
}

/**
 * Tells how far a chain is.
 *
 * @example
 * ```ts
 * import { pipeline } from '@aiopipe/subprocess';
 *
 * await pipeline(['sleep', '0.1'], ['cat']).run({
 *   progressInterval: 20,
 *   onProgress: ({ elapsed, input, stages }) => {
 *     const percent = input === undefined ? '' : `${((100 * input.position) / input.size).toFixed()} %`;
 *     process.title = `${elapsed} ms ${percent} ${stages.map(({ name, bytesWritten }) => `${name} ${bytesWritten}`)}`;
 *   },
 * });
 * ```
 */
export interface Progress {
  /** Milliseconds since its start. */
  readonly elapsed: number;
  /** The position of the first program in its stdin, in bytes; undefined if its stdin is not a regular file. */
  readonly input: FilePosition | undefined;
  readonly stages: readonly StageProgress[];
}

const UNKNOWN: ByteCounts = { bytesRead: undefined, bytesWritten: undefined };

/** Reports how far a chain is, every so many milliseconds. Its timer does not keep the process alive. */
export class ProgressReporter {
  readonly #runs: readonly Run[];
  readonly #begin = now();
  readonly #report: (progress: Progress) => void;
  readonly #interval: number;
  readonly #onFailure: (reason: unknown) => void;
  #timer: Timer;
  #last: { readonly at: number; readonly counts: readonly ByteCounts[] };
  #input: Progress['input'];

  /** @param onFailure - called with what `report` throws */
  constructor(
    runs: readonly Run[],
    report: (progress: Progress) => void,
    interval: number,
    onFailure: (reason: unknown) => void,
  ) {
    this.#runs = runs;
    this.#last = { at: this.#begin, counts: [] };
    this.#report = report;
    this.#interval = interval;
    this.#onFailure = onFailure;
    this.#timer = this.#next();
  }

  #next(): Timer {
    return new Timer(() => {
      // Before the report, which may stop it.
      this.#timer = this.#next();
      try {
        const returned = this.#report(this.#look()) as unknown;
        // An async function, which TypeScript allows here. Its rejection would end the program.
        if (isThenable(returned)) returned.then(undefined, this.#fail);
      } catch (error) {
        this.#fail(error);
      }
    }, this.#interval).unref();
  }

  /** The chain may take long to end; a report that has failed is not called meanwhile. */
  readonly #fail = (reason: unknown): void => {
    this.stop();
    this.#onFailure(reason);
  };

  #look(): Progress {
    const at = now();
    const { at: before, counts: previous } = this.#last;
    const counts = this.#runs.map((run, index) => run.byteCounts ?? previous[index] ?? UNKNOWN);
    this.#last = { at, counts };
    this.#input = this.#runs[0]?.filePosition ?? this.#input;
    const stages = counts.map((current, index) => {
      const then = previous[index] ?? UNKNOWN;
      return {
        name: this.#runs[index]?.name ?? '',
        ...current,
        readRate: rate(then.bytesRead, current.bytesRead, at - before),
        writeRate: rate(then.bytesWritten, current.bytesWritten, at - before),
      };
    });
    return { elapsed: at - this.#begin, input: this.#input, stages };
  }

  stop(): void {
    this.#timer.cancel();
  }
}

function rate(then = 0, current: number | undefined, milliseconds: number): number | undefined {
  return current === undefined ? undefined : ((current - then) * 1000) / milliseconds;
}
