import { AbortError, AiopipeError, TimeoutError } from '@aiopipe/core';
import {
  abortError,
  calledFrom,
  checkTarget,
  isEnd,
  LOOP_END,
  nextTurn,
  onAbort,
  refuse,
  Timer,
  type CallSite,
} from '@aiopipe/core/internal';
import { type OutputOption } from '../io/sink.js';
import { ChainOutput } from './chain-output.js';
import { type CollectedOutput } from './collected-output.js';
import { OutputTooLongError, PipelineError, type EndedChain, type FailedOption } from './errors.js';
import { pipelineRun, type PipelineRun } from './events.js';
import { checkChainOptions, type ChainOptions } from './options.js';
import { DEFAULT_INTERVAL, ProgressReporter } from './progress.js';
import { quoteChain } from './quote-chain.js';
import { type PipelineResult } from './result.js';
import { type ChainStage } from './stage.js';
import { StageRuns } from './stage-runs.js';

/** The thrown value; it may be undefined. */
interface Thrown {
  readonly reason: unknown;
  /** The option that threw it. */
  readonly option?: FailedOption['name'];
}

/** One run of a pipeline, from its start until all its stages have ended. */
export class Chain {
  readonly #stages: readonly ChainStage[];
  readonly #options: ChainOptions;
  readonly #output: OutputOption | undefined;
  readonly #caller: CallSite;
  readonly #runs: StageRuns;
  readonly #onStart: () => void;
  readonly #stopListeners: ((reason: unknown) => void)[] = [];
  /** Whether the output is collected to its end also after the chain was stopped. */
  #collects = false;
  #timer: Timer | undefined;
  #progress: ProgressReporter | undefined;
  #ignoreAbort: (() => void) | undefined;
  /** The message of its events, while it runs; undefined if nothing observes chains. */
  #traced: PipelineRun | undefined;
  #isOver = false;
  /** Resolves when all stages have ended, or cannot be ended. */
  readonly #over: Promise<void>;
  #settle!: () => void;
  #stopped: Thrown | undefined;
  /** Whether the reader of its output left, which is no failure. */
  #wasLeft = false;
  #ending: Promise<void> | undefined;

  /**
   * Throws for bad options; nothing has been started then.
   *
   * @param caller - the call that runs the chain: the stack of its errors shows it
   * @param onStart - called at the start, or if the chain is left before that
   */
  constructor(
    stages: readonly ChainStage[],
    options: ChainOptions,
    output: OutputOption | undefined,
    caller: CallSite,
    onStart: () => void,
  ) {
    checkChainOptions(options);
    if (output !== undefined) checkTarget('output', output);
    this.#stages = stages;
    this.#options = options;
    this.#output = output;
    this.#caller = caller;
    this.#onStart = onStart;
    this.#over = new Promise((resolve) => {
      this.#settle = () => {
        this.#isOver = true;
        resolve();
      };
    });
    this.#runs = new StageRuns(options, output, {
      onInputFailure: (reason) => {
        this.stop(reason, 'input');
      },
      onFunctionFailure: () => void this.#end(),
    });
    for (const stage of stages) stage.check();
  }

  /** Starts the stages in this turn of the event loop. If it throws, {@link close} ends the started stages. */
  start(): void {
    this.#onStart();
    const { signal, timeout } = this.#options;
    const refusal = refuse({ signal, timeout }, undefined, () => this.#name);
    if (refusal !== undefined) throw refusal;
    if (!pipelineRun.isObserved) this.#startStages();
    else {
      this.#traced = { chain: this.toString(), stages: this.#runs.runs };
      pipelineRun.call(this.#traced, () => {
        this.#startStages();
      });
    }
  }

  #startStages(): void {
    this.#runs.start(this.#stages, this.toString());
    void this.#runs.done().then(this.#settle);
    this.#limit();
  }

  /** The reader of its output leaves before the end: what that ends has not failed. */
  #left(): void {
    if (!this.#isOver && this.#stopped === undefined) this.#wasLeft = true;
  }

  /** Publishes how it went, once. */
  #publishEnd(thrown: Thrown | undefined): void {
    const traced = this.#traced;
    if (traced === undefined) return;
    this.#traced = undefined;
    const failure = this.#wasLeft && thrown === undefined ? undefined : this.#failure(thrown, undefined);
    if (failure === undefined) pipelineRun.succeed(traced);
    else pipelineRun.fail(traced, failure.reason);
  }

  #limit(): void {
    const { signal, timeout = Infinity, onProgress, progressInterval = DEFAULT_INTERVAL } = this.#options;
    if (signal !== undefined) {
      this.#ignoreAbort = onAbort(signal, () => {
        this.stop(abortError(signal, this.#name));
      });
    }
    if (onProgress !== undefined) {
      this.#progress = new ProgressReporter(this.#runs.runs, onProgress, progressInterval, (reason) => {
        this.stop(reason, 'onProgress');
      });
    }
    if (timeout === Infinity) return;
    this.#timer = new Timer(() => {
      this.stop(new TimeoutError(`${this.#name} did not end within ${String(timeout)} ms`));
    }, timeout);
  }

  /** Calls back when the chain is stopped: bytes that were read ahead must not be given any more. */
  onStop(callback: (reason: unknown) => void): void {
    this.#stopListeners.push(callback);
  }

  /**
   * Ends it before its time.
   *
   * @param option - the option that threw the reason
   */
  stop(reason: unknown, option?: FailedOption['name']): void {
    this.#stopped ??= { reason, ...(option !== undefined && { option }) };
    const { output, sink } = this.#runs;
    const first = this.#stopped.reason;
    const ended = this.#end();
    if (this.#collects) void ended.then(() => output?.finish(first));
    else output?.stop(first);
    sink?.destroy();
    for (const callback of this.#stopListeners.splice(0)) callback(first);
  }

  #end(): Promise<void> {
    return (this.#ending ??= this.#endAll());
  }

  async #endAll(): Promise<void> {
    await this.#runs.stop(this.#stopped ? this.#stopped.reason : new AbortError('the chain was ended'));
    this.#settle();
  }

  /** Yields what the last stage writes, unless it goes elsewhere; to the end, or until the chain is stopped. */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    const { output, sink } = this.#runs;
    if (output === undefined) return;
    for await (const chunk of output) {
      if (sink === undefined) yield chunk;
      else if (!(await sink.write(chunk))) break;
    }
    await sink?.close();
  }

  /**
   * Resolves with one chunk of the output of a chain without the option `output`.
   *
   * @param room - memory that the chunk may be put into; the next call may overwrite it
   */
  async next(room: Buffer | undefined): Promise<IteratorResult<Buffer, undefined>> {
    return (await this.#runs.output?.next(room)) ?? LOOP_END;
  }

  /** Runs it, and resolves with its result. */
  async collect(output: CollectedOutput): Promise<PipelineResult<string | Buffer>> {
    this.#collects = this.#output === undefined;
    let thrown: Thrown | undefined;
    try {
      this.start();
      for await (const chunk of this.chunks()) {
        if (output.push(chunk)) continue;
        throw OutputTooLongError.make(this.toString(), output.limit, output.limitSetBy);
      }
      await this.#finish();
    } catch (reason) {
      thrown = { reason };
    }
    await this.close(thrown);
    const stdout = output.value;
    const failure = this.#failure(thrown, stdout);
    if (failure !== undefined) throw failure.reason;
    return { stdout, stderr: this.#runs.stderr, stages: this.#runs.results };
  }

  /** Runs it, and yields what `pieces` makes of its output. Leaving the loop ends the chain. */
  iterate<T>(pieces: () => AsyncIterable<T>): ChainOutput<T> {
    const stop = () => {
      this.#left();
      this.stop(new AbortError('the reader of its output left'));
    };
    return new ChainOutput(this.#iterate(pieces), stop, this.#onStart);
  }

  async *#iterate<T>(pieces: () => AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    let thrown: Thrown | undefined;
    try {
      this.start();
      yield* pieces();
      await this.#finish();
    } catch (reason) {
      thrown = { reason };
    } finally {
      await this.close(thrown);
    }
    const failure = this.#failure(thrown, undefined);
    if (failure !== undefined) throw failure.reason;
  }

  /** Waits for the end of all stages. */
  async #finish(): Promise<void> {
    await this.#over;
    await this.#runs.stderrDone();
    await nextTurn();
  }

  /**
   * Ends what still runs, and closes all that is open.
   *
   * @param thrown - what its use threw, if it did
   */
  async close(thrown?: Thrown): Promise<void> {
    this.#left();
    this.#timer?.cancel();
    this.#progress?.stop();
    this.#ignoreAbort?.();
    const { output, sink } = this.#runs;
    void output?.return();
    sink?.destroy();
    if (!this.#isOver) await this.#end();
    await this.#ending;
    if (this.#ending !== undefined) await this.#runs.stderrDone();
    this.#publishEnd(thrown);
    this.#runs.close();
    this.#closeGiven();
  }

  /** Closes the ends that it was given and did not come to. */
  #closeGiven(): void {
    const { input, stderr } = this.#options;
    for (const end of [input, stderr, this.#output, ...this.#stages.flatMap((stage) => stage.given)]) {
      if (isEnd(end) && end.state === 'owned') end[Symbol.dispose]();
    }
  }

  /** Once it is closed: the error to throw for the reason with which it was stopped. */
  explain(reason: unknown): unknown {
    const failure = this.#failure({ reason }, undefined);
    return failure === undefined ? reason : failure.reason;
  }

  /** Once it is closed: why it failed, if it did. */
  #failure(thrown: Thrown | undefined, stdout: string | Buffer | undefined): Thrown | undefined {
    const { results: stages, stderr, failed } = this.#runs;
    const ended: EndedChain = { stdout, stderr, stages };
    const { reason, option } = this.#stopped ?? thrown ?? {};
    let error = reason;
    if (option !== undefined) error = PipelineError.make(this.toString(), ended, failed, { name: option, reason });
    else if ((this.#stopped ?? thrown) === undefined) {
      if (failed.length === 0) return undefined;
      error = PipelineError.make(this.toString(), ended, failed);
    }
    if (error instanceof AiopipeError) calledFrom(this.#caller, Object.assign(error, ended));
    return { reason: error };
  }

  /** As it stands in messages. */
  get #name(): string {
    return `\`${this.toString()}\``;
  }

  toString(): string {
    return quoteChain(this.#stages, { ...this.#options, output: this.#output });
  }
}
