import { inspect } from 'node:util';
import { type Readable } from 'node:stream';
import { callSite, checkOptions, optionNames, type CallSite, type OptionNames } from '@aiopipe/core/internal';
import { CHAIN_NAMES, CHAIN_OPTIONS, type ChainOptions } from './options.js';
import { Chain } from './chain.js';
import { feedRecords, Lines } from '../io/lines.js';
import { CollectedOutput } from './collected-output.js';
import { quoteChain, type Redirects } from './quote-chain.js';
import {
  checkRecordOptions,
  RECORD_NAMES,
  type CheckedRecordOptions,
  type RecordEncoding,
  type RecordOptions,
} from '../io/record-options.js';
import { recordSplitter } from '../io/records.js';
import { checkStage, type CheckedStage, type Stage, type StageResult } from './stage.js';
import { nodeStream, webStream } from './streams.js';
import { type OutputOption } from '../io/target.js';
import { UnrunChain } from './unrun-chain.js';

/** Options of {@link Pipeline.run}. */
export interface RunOptions<
  Encoding extends BufferEncoding | 'buffer' = BufferEncoding | 'buffer',
> extends ChainOptions {
  /** What `stdout` is in the result: text in that encoding (`utf8` by default), or with `buffer` the bytes. */
  readonly encoding?: Encoding | undefined;
  /**
   * Bytes of output after which the chain is ended, with an {@link OutputTooLongError}. Unless given it is what a string or
   * a Buffer can hold: of UTF-8 512 MiB, of bytes 4 GiB or more.
   */
  readonly maxOutput?: number | undefined;
  /**
   * Where the last stage writes, instead of into the result, whose `stdout` is empty then. A program writes there
   * itself, not through Node.
   */
  readonly output?: OutputOption | undefined;
}

/** Options of {@link Pipeline.lines}. */
export interface LinesOptions<Encoding extends RecordEncoding = RecordEncoding>
  extends ChainOptions, RecordOptions<Encoding> {}

const RUN_NAMES = { ...CHAIN_NAMES, encoding: true, maxOutput: true, output: true } as const;
const RUN_OPTIONS = optionNames<RunOptions>(RUN_NAMES);
const LINES_OPTIONS = optionNames<LinesOptions>({ ...CHAIN_NAMES, ...RECORD_NAMES });
/** The options of a run can be shown as they are. */
const SHOWN_OPTIONS = optionNames<RunOptions & RecordOptions>({ ...RUN_NAMES, ...RECORD_NAMES });

/** What a chain gave. */
export interface PipelineResult<Output extends string | Buffer = string> {
  readonly stdout: Output;
  /**
   * What was collected of the stages' stderr: of each the last 64 KiB, one after the other; with `stderr: 'shared'` the
   * last 64 KiB of all, in the order in which they wrote.
   */
  readonly stderr: string;
  /** How each stage ended, in the order of the chain. */
  readonly stages: readonly StageResult[];
}

/**
 * A chain of programs, each reading what the one before it writes: through pipes of the kernel, so that no byte between
 * them comes through Node. A function among them runs here, and reads and writes the pipes of its neighbours. Nothing
 * runs before it is awaited, or before `run()`, `lines()` and so on; each call of those starts it anew. If a chain is
 * dropped and was never run, a process warning (`AIOPIPE_UNRUN`) names the place where it was made.
 *
 * ```ts
 * const { stdout } = await pipeline(['zcat', file], ['grep', 'x'], ['wc', '-l']).run();
 *
 * async function* numbered(input: StageInput) {
 *   let number = 0;
 *   for await (const line of input.lines()) yield `${++number} ${line}\n`;
 * }
 * await pipeline(['sort', file], numbered, ['tail', '-3']).run({ output: 'inherit' });
 * ```
 *
 * Throws a TypeError for what can't be a stage.
 */
export function pipeline(...stages: readonly [Stage, ...Stage[]]): Pipeline {
  return new Pipeline(stages, pipeline);
}

const STAGES = Symbol.for('@aiopipe/subprocess.stages');

/** A chain of programs and functions. Made by {@link pipeline}. */
export class Pipeline implements PromiseLike<PipelineResult> {
  readonly #stages: readonly CheckedStage[];
  readonly #unrun: UnrunChain;
  #awaited: Promise<PipelineResult> | undefined;

  /**
   * @param maker - the public function that the user called
   * @internal
   */
  constructor(stages: readonly Stage[], maker: (...args: never[]) => unknown) {
    if (stages.length === 0) throw new TypeError('pipeline: expected at least one program');
    this.#stages = stages.flatMap((stage, index) => {
      if (stage instanceof Pipeline) return stage[STAGES]();
      refuseAnotherCopy(stage, index);
      return [checkStage(stage, index)];
    });
    this.#unrun = new UnrunChain(this, quoteChain(this.#stages, {}), maker);
  }

  /** Its stages, for a chain that it becomes a part of. @internal */
  [STAGES](): readonly CheckedStage[] {
    this.#unrun.forget();
    return this.#stages;
  }

  /**
   * `await pipeline(...)` is `await pipeline(...).run()`. However often it is awaited, it runs once; each call of
   * {@link run} runs it anew. An async function that returns a chain so returns the result of its run.
   */
  then<Result = PipelineResult, Failure = never>(
    onFulfilled?: ((result: PipelineResult) => Result | PromiseLike<Result>) | null,
    onRejected?: ((error: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    return (this.#awaited ??= this.#run({}, this.#unrun.site) as Promise<PipelineResult>).then(onFulfilled, onRejected);
  }

  /** As that of a promise: it runs the chain as {@link then} does. */
  catch<Failure = never>(
    onRejected?: ((error: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<PipelineResult | Failure> {
    return this.then(undefined, onRejected);
  }

  /** As that of a promise: it runs the chain as {@link then} does. */
  finally(onSettled?: (() => void) | null): Promise<PipelineResult> {
    return this.then().finally(onSettled);
  }

  /** A chain of this one's stages and those. */
  pipe(...stages: readonly [Stage, ...Stage[]]): Pipeline {
    return new Pipeline([this, ...stages], this.pipe as (...args: never[]) => unknown);
  }

  /**
   * Runs the chain to its end and collects what it writes.
   *
   * Rejects {@link PipelineError} if a stage fails. That one before another ended by SIGPIPE (or exited with 141) is no
   * failure: so `yes | head -1` succeeds. A function that throws ends the chain. Rejects {@link AbortError} or
   * {@link TimeoutError} after the whole chain was ended: SIGTERM to its process group, then SIGKILL. These have `stdout`,
   * `stderr` and `stages`, too: see {@link EndedChain}. Rejects
   * {@link SystemError} if one of the programs can't be started, and with what `input` throws. The pipe ends that it was
   * given are closed afterwards, also if it could not start or was aborted before.
   */
  async run(options?: RunOptions<BufferEncoding>): Promise<PipelineResult>;
  async run(options: RunOptions<'buffer'>): Promise<PipelineResult<Buffer>>;
  async run(options: RunOptions): Promise<PipelineResult<string | Buffer>>;
  async run(options: RunOptions = {}): Promise<PipelineResult<string | Buffer>> {
    return this.#run(options, callSite(this.run));
  }

  /** `await` calls `then` when the frames of the caller are gone: it gives the place where the chain was made. */
  async #run(options: RunOptions, caller: CallSite): Promise<PipelineResult<string | Buffer>> {
    const chain = this.#chain(options, RUN_OPTIONS, caller, () => {
      checkRunOptions(options);
      return options.output;
    });
    const { encoding = 'utf8', maxOutput = Infinity } = options;
    const output = new CollectedOutput(encoding, maxOutput);
    let isTooLong = false;
    let failure: { readonly error: unknown } | undefined;
    try {
      chain.start(options.output === undefined);
      for await (const chunk of chain.chunks()) if ((isTooLong = !output.push(chunk))) break;
      if (!isTooLong) await chain.finish();
    } catch (error) {
      failure = { error };
    }
    await chain.close();
    if (isTooLong && chain.failure === undefined) throw output.tooLongError(chain);
    failure ??= chain.failure && { error: chain.failure };
    if (failure !== undefined) throw chain.tellHowItWent(failure.error, output.value);
    const stdout = output.value;
    const error = chain.error(stdout);
    if (error !== undefined) throw error;
    return { stdout, stderr: chain.stderr, stages: chain.results };
  }

  /** A run of it, not started. */
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
      // The caller hears of this; there is no need to hear of the chain as well.
      this.#unrun.forget();
      throw error;
    }
  }

  /**
   * What the chain writes, line by line (or record by record), as it comes: a consumer that is slow holds the programs
   * up. Leaving the loop early ends the chain, and that is a success: the loop is left when nothing of it is left.
   *
   * Throws as {@link Pipeline.run} rejects, {@link PipelineError} after the last line.
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
    return new Lines(
      splitter,
      chain.run(() => feedRecords(splitter, (room) => chain.next(room), chain, checked)),
    );
  }

  /** What the chain writes, in chunks as they come; in all else as {@link Pipeline.lines}. */
  bytes(options: ChainOptions = {}): AsyncGenerator<Buffer, void, undefined> {
    const chain = this.#chain(options, CHAIN_OPTIONS, callSite(this.bytes));
    return chain.run(() => chain.chunks());
  }

  /**
   * What the chain writes as a web stream, which starts it when it is first read. Cancelling ends the chain, also while
   * a read waits. The stream errors as {@link Pipeline.run} rejects, after the last chunk.
   */
  toWeb(options: ChainOptions = {}): ReadableStream<Uint8Array> {
    return webStream(this.#chain(options, CHAIN_OPTIONS, callSite(this.toWeb)));
  }

  /**
   * What the chain writes as a Node stream, which starts it when it is first read. Destroying ends the chain; `close`
   * comes when nothing of it is left. The stream errors as {@link Pipeline.run} rejects, after the last chunk.
   */
  toNode(options: ChainOptions = {}): Readable {
    return nodeStream(this.#chain(options, CHAIN_OPTIONS, callSite(this.toNode)));
  }

  /**
   * The shell line that does the same, quoted, for logs. It leaves out the stages' own environments; a function shows as
   * `[Function: name]`. `input` and `output` of {@link Pipeline.run}, if given, show where they are files by their path.
   */
  toString(options: Redirects = {}): string {
    checkOptions(options, SHOWN_OPTIONS);
    return quoteChain(this.#stages, options);
  }
}

/** Its stages may be of another version, which this one would not understand. */
function refuseAnotherCopy(stage: unknown, index: number): void {
  if (typeof stage !== 'object' || stage === null || !(STAGES in stage)) return;
  throw new TypeError(
    `stage ${String(index + 1)}: it is a pipeline of another copy of @aiopipe/subprocess; make it by the same copy`,
  );
}

function checkRunOptions(options: RunOptions): void {
  const { encoding = 'utf8', maxOutput = Infinity, output } = options;
  if (encoding !== 'buffer' && !(typeof encoding === 'string' && Buffer.isEncoding(encoding))) {
    throw new TypeError(`encoding: expected 'buffer' or an encoding of Buffer, not ${inspect(encoding)}`);
  }
  if (maxOutput !== Infinity && !(Number.isInteger(maxOutput) && maxOutput >= 0)) {
    throw new TypeError(`maxOutput: expected a whole number of bytes, not ${inspect(maxOutput)}`);
  }
  if (output !== undefined && maxOutput !== Infinity) {
    throw new TypeError('maxOutput: with output nothing is collected that could be limited');
  }
}
