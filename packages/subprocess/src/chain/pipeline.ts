import { type Readable } from 'node:stream';
import { callSite, checkOptions, type CallSite, type OptionNames } from '@aiopipe/core/internal';
import { feedRecords, LineIterator, type Lines } from '../io/lines.js';
import { checkRecordOptions, type CheckedRecordOptions } from '../io/record-options.js';
import { recordSplitter } from '../io/records.js';
import { type OutputOption } from '../io/sink.js';
import { Chain } from './chain.js';
import { checkStage } from './check-stage.js';
import { CollectedOutput } from './collected-output.js';
import { type StageFunction } from './function-run.js';
import { CHAIN_OPTIONS, type ChainOptions } from './options.js';
import { type StageOptions } from './program-stage.js';
import { quoteChain, type Redirects } from './quote-chain.js';
import { type PipelineResult } from './result.js';
import {
  checkRunOptions,
  LINES_OPTIONS,
  RUN_OPTIONS,
  SHOWN_OPTIONS,
  type LinesOptions,
  type RunOptions,
} from './run-options.js';
import { type ChainStage } from './stage.js';
import { nodeStream, webStream } from './streams.js';
import { UnrunChain } from './unrun-chain.js';

/**
 * A stage of a chain: a program by its argv, or options with it; a function; or all stages of another chain.
 *
 * @example
 * ```ts
 * import { pipeline, type Stage } from '@aiopipe/subprocess';
 *
 * const stages: [Stage, ...Stage[]] = [
 *   ['printf', 'one\ntwo\n'],
 *   { argv: ['grep', 'three'], allowFail: [1] },
 *   pipeline(['wc', '-l']),
 * ];
 * console.log(Number((await pipeline(...stages)).stdout));
 * ```
 * ```text
 * 0
 * ```
 */
export type Stage = readonly string[] | StageOptions | StageFunction | Pipeline;

/**
 * Makes a chain of programs, each of which reads what the one before it writes. The bytes between two programs go through a
 * pipe of the kernel, never through Node. A function among them runs in this process, and reads and writes the pipes of
 * its neighbours.
 *
 * Nothing runs before the chain is awaited, or before `run()`, `lines()` and so on; each of these calls starts it anew. If
 * a chain is dropped and was never run, a process warning (`AIOPIPE_UNRUN`) names the place where it was made.
 *
 * Throws TypeError for a value that cannot be a stage.
 *
 * @example
 * ```ts
 * import { pipeline, type StageInput } from '@aiopipe/subprocess';
 *
 * async function* numbered(input: StageInput) {
 *   let number = 0;
 *   for await (const line of input.lines()) yield `${++number} ${line}\n`;
 * }
 * const { stdout } = await pipeline(['sort'], numbered, ['tail', '-1']).run({ input: 'pipe\nend\n' });
 * console.log(stdout.trim());
 * ```
 * ```text
 * 2 pipe
 * ```
 */
export function pipeline(...stages: readonly [Stage, ...Stage[]]): Pipeline {
  // The site is captured here: JavaScriptCore makes a tail call of this one, and then no stack has this function.
  return Pipeline.make(stages, callSite(pipeline));
}

const STAGES = Symbol.for('@aiopipe/subprocess.stages');

/**
 * A chain of programs and functions, which can run any number of times. Made by {@link pipeline}.
 *
 * @example
 * ```ts
 * import { pipeline } from '@aiopipe/subprocess';
 *
 * const words = pipeline(['printf', 'one\ntwo\n']);
 * for await (const line of words.lines()) console.log(line);
 * const { stages } = await words.pipe(['wc', '-l']).run();
 * console.log(stages.map(({ name, exitCode }) => `${name} ${exitCode}`));
 * ```
 * ```text
 * one
 * two
 * [ 'printf 0', 'wc 0' ]
 * ```
 */
export class Pipeline implements PromiseLike<PipelineResult> {
  readonly #stages: readonly ChainStage[];
  readonly #unrun: UnrunChain;
  #awaited: Promise<PipelineResult> | undefined;

  private constructor(stages: readonly Stage[], site: CallSite) {
    if (stages.length === 0) throw new TypeError('pipeline: expected at least one program');
    this.#stages = stages.flatMap((stage, index) => {
      if (stage instanceof Pipeline) return stage[STAGES]();
      refuseAnotherCopy(stage, index);
      return [checkStage(stage, index)];
    });
    this.#unrun = new UnrunChain(this, quoteChain(this.#stages, {}), site);
  }

  /**
   * @param site - the call of the user
   * @internal
   */
  static make(stages: readonly Stage[], site: CallSite): Pipeline {
    return new Pipeline(stages, site);
  }

  /** Returns its stages, for a chain that it becomes a part of. @internal */
  [STAGES](): readonly ChainStage[] {
    this.#unrun.forget();
    return this.#stages;
  }

  /**
   * Runs the chain, once: `await pipeline(...)` is `await pipeline(...).run()`. If it is awaited again, that gives the same
   * result; each call of {@link run} runs it anew. If an async function returns a chain, its caller gets the result.
   */
  then<Result = PipelineResult, Failure = never>(
    onFulfilled?: ((result: PipelineResult) => Result | PromiseLike<Result>) | null,
    onRejected?: ((error: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    return (this.#awaited ??= this.#run({}, this.#unrun.site) as Promise<PipelineResult>).then(onFulfilled, onRejected);
  }

  /** Runs the chain as {@link then} does; otherwise like the method of a promise. */
  catch<Failure = never>(
    onRejected?: ((error: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<PipelineResult | Failure> {
    return this.then(undefined, onRejected);
  }

  /** Runs the chain as {@link then} does; otherwise like the method of a promise. */
  finally(onSettled?: (() => void) | null): Promise<PipelineResult> {
    return this.then().finally(onSettled);
  }

  /** Returns a chain of the stages of this chain and the given stages. */
  pipe(...stages: readonly [Stage, ...Stage[]]): Pipeline {
    return new Pipeline([this, ...stages], callSite(this.pipe as (...args: never[]) => unknown));
  }

  /**
   * Runs the chain to its end and collects what it writes.
   *
   * Rejects with {@link PipelineError} if a stage fails, or if `input` or `onProgress` throws; a function that throws ends
   * the chain. A stage that SIGPIPE ended (or that exited with 141) has not failed if another one read from it: so
   * `yes | head -1` succeeds. Rejects with AbortError or TimeoutError after all of the chain was ended:
   * SIGTERM to its process group, then SIGKILL. Rejects with SystemError if a program cannot be started, or what a
   * function writes cannot be written to `output`. All of these have `stdout`, `stderr` and `stages`: see
   * {@link EndedChain}.
   *
   * The given pipe ends are closed afterwards, also if the chain could not start or was aborted before.
   */
  async run(options?: RunOptions<BufferEncoding>): Promise<PipelineResult>;
  async run(options: RunOptions<'buffer'>): Promise<PipelineResult<Buffer>>;
  async run(options: RunOptions): Promise<PipelineResult<string | Buffer>>;
  async run(options: RunOptions = {}): Promise<PipelineResult<string | Buffer>> {
    return this.#run(options, callSite(this.run));
  }

  /** @param caller - for `await`, the place where the chain was made: `then` is called when the caller's frames are gone */
  async #run(options: RunOptions, caller: CallSite): Promise<PipelineResult<string | Buffer>> {
    const chain = this.#chain(options, RUN_OPTIONS, caller, () => {
      checkRunOptions(options);
      return options.output;
    });
    const { encoding = 'utf8', maxOutput = Infinity } = options;
    return chain.collect(new CollectedOutput(encoding, maxOutput));
  }

  /** Makes a run of it, which is not started. */
  #chain(
    options: ChainOptions,
    names: OptionNames<ChainOptions>,
    caller: CallSite,
    check: () => OutputOption | undefined = () => undefined,
  ): Chain {
    try {
      checkOptions(options, names);
      return new Chain(this.#stages, options, check(), caller, () => {
        this.#unrun.forget();
      });
    } catch (error) {
      // The caller gets this error; a warning of the chain as well would say nothing new.
      this.#unrun.forget();
      throw error;
    }
  }

  /**
   * Runs the chain and yields what it writes, line by line (or record by record), as it comes. A slow consumer makes the
   * programs wait. Leaving the loop early ends the chain, which is no failure; the loop is left when nothing of it runs.
   *
   * Throws as {@link Pipeline.run} rejects; {@link PipelineError} comes after the last line.
   */
  lines(options?: LinesOptions<'utf8' | 'latin1'>): Lines<string>;
  lines(options: LinesOptions<'buffer'>): Lines<Buffer>;
  lines(options: LinesOptions): Lines<string | Buffer>;
  lines(options: LinesOptions = {}): Lines<string | Buffer> {
    let checked!: CheckedRecordOptions;
    const chain = this.#chain(options, LINES_OPTIONS, callSite(this.lines), () => {
      checked = checkRecordOptions(options);
      return undefined;
    });
    const splitter = recordSplitter(checked);
    chain.onStop(() => {
      splitter.drop();
    });
    return new LineIterator(
      splitter,
      chain.iterate(() => feedRecords(splitter, (room) => chain.next(room), `\`${chain.toString()}\``, checked)),
    );
  }

  /** Runs the chain and yields what it writes, in chunks as they come; in all else as {@link Pipeline.lines}. */
  bytes(options: ChainOptions = {}): AsyncGenerator<Buffer, void, undefined> {
    const chain = this.#chain(options, CHAIN_OPTIONS, callSite(this.bytes));
    return chain.iterate(() => chain.chunks());
  }

  /**
   * Returns a web stream of what the chain writes. The first read starts the chain; cancelling ends it, also while a read
   * waits. The stream errors as {@link Pipeline.run} rejects, after the last chunk.
   */
  toWeb(options: ChainOptions = {}): ReadableStream<Uint8Array> {
    return webStream(this.#chain(options, CHAIN_OPTIONS, callSite(this.toWeb)));
  }

  /**
   * Returns a Node stream of what the chain writes. The first read starts the chain; destroying ends it, and `close` is
   * emitted when nothing of it runs. The stream errors as {@link Pipeline.run} rejects, after the last chunk.
   */
  toNode(options: ChainOptions = {}): Readable {
    return nodeStream(this.#chain(options, CHAIN_OPTIONS, callSite(this.toNode)));
  }

  /**
   * Returns the shell line that does the same, quoted, for logs. It leaves out the environments of the stages; a function
   * shows as `[Function: name]`. `input` and `output` of {@link Pipeline.run} show if they are files by their path.
   */
  toString(options: Redirects = {}): string {
    checkOptions(options, SHOWN_OPTIONS);
    return quoteChain(this.#stages, options);
  }
}

/** Throws TypeError for a pipeline of another copy: its stages may have another form. */
function refuseAnotherCopy(stage: unknown, index: number): void {
  if (typeof stage !== 'object' || stage === null || !(STAGES in stage)) return;
  throw new TypeError(
    `stage ${String(index + 1)}: it is a pipeline of another copy of @aiopipe/subprocess; make it with this copy`,
  );
}
