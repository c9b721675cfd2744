import { readFileSync, statSync } from 'node:fs';
import { now, Timer } from '@aiopipe/core/internal';
import { FunctionRun } from './function-run.js';
import { type ProgramRun } from './program-run.js';

/** Milliseconds. */
export const DEFAULT_INTERVAL = 1000;

/** How far a stage of a chain is. */
export interface StageProgress {
  readonly name: string;
  /**
   * Bytes, as the system counts them: all that the program read, with what it loads at its start, and all that it wrote,
   * stderr too. The last that was seen, once it has ended; undefined where the system doesn't tell.
   */
  readonly bytesRead: number | undefined;
  readonly bytesWritten: number | undefined;
  /** Bytes per second since the last report. */
  readonly readRate: number | undefined;
  readonly writeRate: number | undefined;
}

/** How far a chain is. */
export interface Progress {
  /** Milliseconds since its start. */
  readonly elapsed: number;
  /** Where the first program is in the regular file that it has as its stdin, in bytes; undefined if that is none. */
  readonly input: { readonly position: number; readonly size: number } | undefined;
  readonly stages: readonly StageProgress[];
}

interface Counts {
  readonly bytesRead: number | undefined;
  readonly bytesWritten: number | undefined;
}

const UNKNOWN: Counts = { bytesRead: undefined, bytesWritten: undefined };

/** Looks at a chain from time to time. Its timer doesn't keep the process alive. */
export class ProgressReporter {
  readonly #runs: readonly (ProgramRun | FunctionRun)[];
  readonly #begin = now();
  readonly #report: (progress: Progress) => void;
  readonly #interval: number;
  readonly #onFailure: (error: Error) => void;
  #timer: Timer;
  #last: { readonly at: number; readonly counts: readonly Counts[] };
  #input: Progress['input'];

  /** @param onFailure - gets what `report` throws */
  constructor(
    runs: readonly (ProgramRun | FunctionRun)[],
    report: (progress: Progress) => void,
    interval: number,
    onFailure: (error: Error) => void,
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
        this.#report(this.#look());
      } catch (error) {
        this.#onFailure(error as Error);
      }
    }, this.#interval).unref();
  }

  #look(): Progress {
    const at = now();
    const { at: before, counts: previous } = this.#last;
    const counts = this.#runs.map((run, index) => countsOf(run) ?? previous[index] ?? UNKNOWN);
    this.#last = { at, counts };
    this.#input = inputOf(this.#runs[0]) ?? this.#input;
    const stages = counts.map((current, index) => {
      const then = previous[index] ?? UNKNOWN;
      return {
        name: this.#runs[index]?.result.name ?? '',
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

/** Undefined once a program has ended, and where the system doesn't tell, or not us. */
function countsOf(run: ProgramRun | FunctionRun): Counts | undefined {
  if (run instanceof FunctionRun) return { bytesRead: run.bytesRead, bytesWritten: run.bytesWritten };
  if (run.program.poll() !== undefined) return undefined;
  try {
    const io = readFileSync(`/proc/${String(run.program.pid)}/io`, 'latin1');
    return { bytesRead: numberIn(io, 'rchar'), bytesWritten: numberIn(io, 'wchar') };
  } catch {
    return undefined;
  }
}

function inputOf(first: ProgramRun | FunctionRun | undefined): Progress['input'] {
  if (first === undefined || first instanceof FunctionRun || first.program.poll() !== undefined) return undefined;
  const directory = `/proc/${String(first.program.pid)}`;
  try {
    const file = statSync(`${directory}/fd/0`);
    const position = numberIn(readFileSync(`${directory}/fdinfo/0`, 'latin1'), 'pos');
    return file.isFile() && position !== undefined ? { position, size: file.size } : undefined;
  } catch {
    return undefined;
  }
}

/** `pos:	123` */
function numberIn(text: string, name: string): number | undefined {
  const found = new RegExp(`^${name}:\\s*(\\d+)$`, 'm').exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
