import { DEFAULT_GRACE, isTerminal, within } from '@aiopipe/core/internal';
import { ByteStream } from '../io/byte-stream.js';
import { iterate } from '../io/chunks.js';
import { chunksOf, isHandedOver } from '../io/input.js';
import { openSink, type OutputOption, type Sink } from '../io/sink.js';
import { type ChainOptions } from './options.js';
import { ProgramGroup } from './program-group.js';
import { type StageResult } from './result.js';
import { type Run, type Source } from './run.js';
import { SharedStderr } from './chain-stderr.js';
import { type ChainStage, type Surroundings } from './stage.js';

/** Milliseconds to wait for the end of a stderr that a process still holds after the end of its program. */
const STDERR_GRACE = 100;

/** The events of a {@link StageRuns} for the chain. */
export type Listeners = Pick<Surroundings, 'onInputFailure' | 'onFunctionFailure'>;

/** The stages of a chain as they run, and what they share. If the start of one fails, those before it are here. */
export class StageRuns {
  readonly runs: Run[] = [];
  /** The output of the last stage, unless it is a program that writes elsewhere. */
  output: ByteStream | undefined;
  /** The target of a function's output, if it is not for the caller. */
  sink: Sink | undefined;
  readonly #options: ChainOptions;
  readonly #outputOption: OutputOption | undefined;
  readonly #group: ProgramGroup;
  readonly #grace: number;
  readonly #listeners: Listeners;
  #stderr: SharedStderr | undefined;

  constructor(options: ChainOptions, output: OutputOption | undefined, listeners: Listeners) {
    this.#options = options;
    this.#outputOption = output;
    this.#listeners = listeners;
    this.#grace = options.grace ?? DEFAULT_GRACE;
    const standard = [options.stdin, output, options.stderr];
    const hasTerminal = standard.some((option, fd) => option === 'inherit' && isTerminal(fd));
    this.#group = new ProgramGroup(hasTerminal, this.#grace);
  }

  /**
   * Starts all stages in this turn of the event loop.
   *
   * @param line - names the chain in messages
   */
  start(stages: readonly ChainStage[], line: string): void {
    const output = this.#outputOption;
    const stderr = (this.#stderr = new SharedStderr(this.#options.stderr ?? 'pipe', line));
    const surroundings = { ...this.#listeners, group: this.#group, grace: this.#grace, stderr, output };
    let source: Source | undefined = this.#input();
    for (const [index, stage] of stages.entries()) {
      const run = stage.start(source as Source, index === stages.length - 1, surroundings);
      this.runs.push(run);
      source = run.output;
    }
    stderr.started();
    if (source === undefined) return;
    this.output = new ByteStream(source.chunks(), 'output');
    if (output !== undefined) this.sink = openSink(output, `stdout of ${this.runs.at(-1)?.name ?? ''}`);
  }

  #input(): Source {
    const { input, stdin } = this.#options;
    if (stdin === 'inherit') return { stdin, chunks: () => iterate(process.stdin) };
    if (input === undefined) return { stdin: 'ignore', chunks: () => [].values() };
    return { stdin: isHandedOver(input) ? input : 'pipe', chunks: () => chunksOf(input) };
  }

  /** Resolves when all of them have ended. */
  async done(): Promise<void> {
    await Promise.all(this.runs.map((run) => run.done));
  }

  /** Ends all of them; resolves when they have ended, or cannot be ended. */
  async stop(reason: unknown): Promise<void> {
    // The programs first: none must take the end of a function before it for the end of its input.
    const stopped = this.#group.stop();
    await Promise.all([stopped, ...this.runs.map((run) => run.stop(reason))]);
  }

  /** Resolves when the stderr of the programs is collected, as far as it comes. */
  async stderrDone(): Promise<void> {
    await within(Promise.all([this.#stderr?.tail?.done, ...this.runs.map((run) => run.stderrDone)]), STDERR_GRACE);
  }

  /** Closes all open descriptors. Call it when all stages have ended, or cannot be ended. */
  close(): void {
    this.#stderr?.close();
    for (const run of this.runs) run.close();
    this.#group.unguard();
  }

  get results(): StageResult[] {
    return this.runs.map((run) => run.result);
  }

  /** The collected stderr of all programs. */
  get stderr(): string {
    return this.#stderr?.tail?.text() ?? this.results.map(({ stderr }) => stderr ?? '').join('');
  }

  /** The indexes of the stages that have failed. */
  get failed(): number[] {
    const last = this.runs.length - 1;
    return this.runs.flatMap((run, index) => (run.hasFailed(index === last) ? [index] : []));
  }
}
