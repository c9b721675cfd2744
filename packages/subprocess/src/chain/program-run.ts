import { type Limits } from '@aiopipe/core';
import { type Program } from '../program/program.js';
import { type Feed } from '../io/feed.js';
import { ProgramOutput } from '../io/program-output.js';
import { Tail } from '../io/tail.js';
import { byteCountsOf, filePositionOf } from './proc.js';
import { type ProgramGroup } from './program-group.js';
import { type StageResult } from './result.js';
import { type ByteCounts, type FilePosition, type Run, type Source } from './run.js';
import { type Segment } from './segment.js';

const NO_USAGE = { userCPUTime: 0, systemCPUTime: 0, maxRSS: 0 };

/** The parts of a {@link ProgramRun} besides its program. */
interface Parts {
  readonly name: string;
  readonly limits: Limits | undefined;
  readonly group: ProgramGroup;
  readonly segment: Segment;
  readonly feed: Feed | undefined;
  /** Milliseconds for which its output is waited for after the end of its segment. */
  readonly grace: number;
  /** Whether such an end is a failure. */
  readonly isFailure: (result: StageResult, isLast: boolean) => boolean;
}

/** A program of a chain that was started. */
export class ProgramRun implements Run {
  readonly name: string;
  readonly output: Source | undefined;
  readonly done: Promise<unknown>;
  readonly #program: Program;
  readonly #parts: Parts;
  /** The collected part of its stderr. */
  readonly #tail: Tail | undefined;
  /** Whether it ran when it was stopped from here. */
  #wasRunning = false;

  constructor(program: Program, parts: Parts) {
    this.name = parts.name;
    this.#program = program;
    this.#parts = parts;
    this.#tail = program.stderr && new Tail(program.stderr);
    this.done = program.wait();
    this.output = this.#output(parts);
  }

  #output({ segment, grace }: Parts): Source | undefined {
    segment.add(this.done);
    const { stdout } = this.#program;
    if (stdout === undefined) {
      void segment.ended();
      return undefined;
    }
    return { stdin: stdout, chunks: () => new ProgramOutput(stdout, segment.ended(), grace), segment };
  }

  get stderrDone(): Promise<void> | undefined {
    return this.#tail?.done;
  }

  get result(): StageResult {
    const { argv, pid, exitCode, signalCode, resourceUsage = NO_USAGE } = this.#program;
    const { limits } = this.#parts;
    const result = { name: this.name, argv, pid, exitCode, signalCode, resourceUsage, stderr: this.#tail?.text() };
    return limits === undefined ? result : { ...result, limits };
  }

  get byteCounts(): ByteCounts | undefined {
    return this.#isRunning ? byteCountsOf(this.#program.pid) : undefined;
  }

  get filePosition(): FilePosition | undefined {
    return this.#isRunning ? filePositionOf(this.#program.pid) : undefined;
  }

  get #isRunning(): boolean {
    return this.#program.poll() === undefined;
  }

  hasFailed(isLast: boolean): boolean {
    const { result } = this;
    const wasEnded = result.signalCode === 'SIGTERM' || result.signalCode === 'SIGKILL';
    return !(wasEnded && this.#wasRunning) && this.#parts.isFailure(result, isLast);
  }

  /** Ends its whole group. */
  stop(): Promise<unknown> {
    this.#wasRunning = this.#isRunning;
    // The signal first: the program must not take the end of what it is fed with for the end of its input.
    const stopped = this.#parts.group.stop();
    this.#parts.feed?.stop();
    return stopped;
  }

  close(): void {
    this.#tail?.close();
    this.#program.closeEnds();
  }
}
