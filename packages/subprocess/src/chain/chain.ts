import { AbortError, AiopipeError, TimeoutError } from '@aiopipe/core';
import {
  abortError,
  calledFrom,
  checkTarget,
  DEFAULT_GRACE,
  isEnd,
  LOOP_END,
  nextTurn,
  onAbort,
  refuse,
  stopPrograms,
  Timer,
  within,
  type CallSite,
} from '@aiopipe/core/internal';
import { checkChainOptions, type ChainOptions } from './options.js';
import { ChainOutput } from './output.js';
import { PipelineError, type EndedChain } from './errors.js';
import { FunctionRun } from './function-run.js';
import { checkPopen } from '../program/popen.js';
import { type Program } from '../program/program.js';
import { type ProgramRun } from './program-run.js';
import { DEFAULT_INTERVAL, ProgressReporter } from './progress.js';
import { quoteChain } from './quote-chain.js';
import { hasFailed, isFunctionStage, type CheckedStage, type StageResult } from './stage.js';
import { type OutputOption } from '../io/target.js';
import { targetOf } from './tee.js';
import { Wiring } from './wiring.js';

/** Milliseconds to wait for the end of a stderr that something else still holds. */
const STDERR_GRACE = 100;

/** A chain that runs, from its start until nothing of it is left. */
export class Chain {
  readonly #stages: readonly CheckedStage[];
  readonly #options: ChainOptions;
  readonly #output: OutputOption | undefined;
  readonly #caller: CallSite;
  readonly #grace: number;
  readonly #wiring: Wiring;
  /** Called at the start, or if it is left before that. */
  readonly #onStart: () => void;
  /** Called once, when it is ended from here. */
  readonly #stopListeners: ((reason: Error) => void)[] = [];
  /** Whether all that is written is wanted even after it was ended from here. */
  #collects = false;
  #timer: Timer | undefined;
  #progress: ProgressReporter | undefined;
  #ignoreAbort: (() => void) | undefined;
  #isOver = false;
  /** Resolves when all stages have ended, or when the chain was ended from here and one of them can't be. */
  readonly #over: Promise<void>;
  #settle!: () => void;
  /** Why it was ended from here; what the input throws may be undefined. */
  #failure: { readonly reason: Error } | undefined;
  #ending: Promise<void> | undefined;
  /** The programs that ran when it was ended from here. */
  #wereRunning: readonly Program[] = [];

  /**
   * Throws for bad options; nothing has been started.
   *
   * @param caller - where it was asked to run: errors that come later have that in their stack
   */
  constructor(
    stages: readonly CheckedStage[],
    options: ChainOptions,
    output: OutputOption | undefined,
    caller: CallSite,
    onStart: () => void,
  ) {
    checkChainOptions(options);
    this.#caller = caller;
    this.#onStart = onStart;
    if (output !== undefined) checkTarget('output', output);
    this.#stages = stages;
    this.#options = options;
    this.#output = output;
    this.#grace = options.grace ?? DEFAULT_GRACE;
    this.#over = new Promise((resolve) => {
      this.#settle = () => {
        this.#isOver = true;
        resolve();
      };
    });
    this.#wiring = new Wiring(
      options,
      output,
      (error) => {
        this.stop(error);
      },
      () => void this.#end(),
    );
    for (const stage of stages) if (!isFunctionStage(stage)) checkPopen(stage.argv, { stderr: stage.stderr });
  }

  /**
   * Starts all of it in this turn. If it throws, {@link close} ends what had been started.
   *
   * @param collects - whether {@link chunks} are to come to their end even if the chain is ended from here
   */
  start(collects = false): void {
    this.#onStart();
    this.#collects = collects;
    const { signal, timeout } = this.#options;
    const refusal = refuse({ signal, timeout }, undefined, () => this.#name);
    if (refusal !== undefined) throw calledFrom(this.#caller, refusal);
    this.#wiring.start(this.#stages, this.toString());
    void Promise.all(this.#runs.map((run) => (run instanceof FunctionRun ? run.done : run.program.wait()))).then(
      this.#settle,
    );
    this.#limit();
  }

  get #runs(): readonly (ProgramRun | FunctionRun)[] {
    return this.#wiring.runs;
  }

  #limit(): void {
    const { signal, timeout = Infinity, onProgress, progressInterval = DEFAULT_INTERVAL } = this.#options;
    if (signal !== undefined) {
      this.#ignoreAbort = onAbort(signal, () => {
        this.stop(calledFrom(this.#caller, abortError(signal, this.#name)));
      });
    }
    if (onProgress !== undefined) {
      this.#progress = new ProgressReporter(this.#runs, onProgress, progressInterval, (error) => {
        this.stop(error);
      });
    }
    if (timeout === Infinity) return;
    this.#timer = new Timer(() => {
      const error = new TimeoutError(`${this.#name} did not end within ${String(timeout)} ms`);
      this.stop(calledFrom(this.#caller, error));
    }, timeout);
  }

  /** Calls back in the moment in which it is ended from here: what was read ahead must not be given any more. */
  onStop(callback: (reason: Error) => void): void {
    this.#stopListeners.push(callback);
  }

  /** Ends it; {@link chunks} and {@link finish} throw the reason. */
  stop(reason: Error): void {
    this.#failure ??= { reason };
    const { outlet, target } = this.#wiring;
    const first = this.#failure.reason;
    const ended = this.#end();
    if (this.#collects) void ended.then(() => outlet?.finish(first));
    else outlet?.stop(first);
    target?.destroy();
    for (const callback of this.#stopListeners.splice(0)) callback(first);
  }

  #end(): Promise<void> {
    return (this.#ending ??= this.#endAll());
  }

  async #endAll(): Promise<void> {
    const programs = this.#wiring.programs;
    this.#wereRunning = programs.filter((program) => program.poll() === undefined);
    // The signals first: a program must not take the end of what it is fed with for the end of its input.
    const ended = stopPrograms(
      programs.map(({ spawned }) => spawned),
      this.#grace,
    );
    for (const feed of this.#wiring.feeds) feed.stop();
    const functions = this.#runs.filter((run) => run instanceof FunctionRun);
    for (const run of functions) run.stop(this.#failure?.reason ?? new AbortError('the chain was ended'));
    await Promise.all([ended, ...functions.map((run) => run.done)]);
    this.#settle();
  }

  /** What the last stage writes, unless it goes elsewhere; to the end, or until the chain is ended. */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    const { outlet, target } = this.#wiring;
    if (outlet === undefined) return;
    for await (const chunk of outlet) {
      if (target === undefined) yield chunk;
      else if (!(await target.write(chunk))) break;
    }
    await target?.close();
  }

  /** One chunk of it, for a chain without an `output`. What comes may lie in `room` until the next call. */
  async next(room: Buffer | undefined): Promise<IteratorResult<Buffer, undefined>> {
    return (await this.#wiring.outlet?.next(room)) ?? LOOP_END;
  }

  /** From the start to the end: what `pieces` makes of its {@link chunks}, then its failure. To leave it ends the chain. */
  run<T>(pieces: () => AsyncIterable<T>): ChainOutput<T> {
    const stop = () => {
      this.stop(new AbortError('its output is not wanted any more'));
    };
    return new ChainOutput(this.#run(pieces), stop, this.#onStart);
  }

  async *#run<T>(pieces: () => AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    let failure: { readonly error: unknown } | undefined;
    try {
      this.start();
      yield* pieces();
      await this.finish();
    } catch (error) {
      failure = { error };
    } finally {
      await this.close();
    }
    if (failure !== undefined) throw this.tellHowItWent(failure.error, undefined);
    const error = this.error(undefined);
    if (error !== undefined) throw error;
  }

  /** Waits for the end of all stages; throws what ended the chain from here, if something did. */
  async finish(): Promise<void> {
    await this.#over;
    if (this.#failure !== undefined) throw this.#failure.reason;
    await this.#hearTails();
    await nextTurn();
  }

  async #hearTails(): Promise<void> {
    const tails = this.#runs.map((run) => (run instanceof FunctionRun ? undefined : run.tail));
    await within(Promise.all([this.#wiring.stderr?.tail, ...tails].map((tail) => tail?.done)), STDERR_GRACE);
  }

  /** Ends what still runs, and closes all that is open. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#progress?.stop();
    this.#ignoreAbort?.();
    void this.#wiring.outlet?.return();
    this.#wiring.target?.destroy();
    if (!this.#isOver) await this.#end();
    await this.#ending;
    if (this.#failure !== undefined) await this.#hearTails();
    this.#wiring.stderr?.close();
    for (const run of this.#runs) if (!(run instanceof FunctionRun)) run.close();
    this.#closeUntaken();
    this.#wiring.programs[0]?.spawned.unguard();
    if (this.#failure !== undefined) this.tellHowItWent(this.#failure.reason, undefined);
  }

  /** Of the ends that it was given, those that it did not come to: someone may wait for the other side. */
  #closeUntaken(): void {
    const { input, stderr } = this.#options;
    const stages = this.#stages.map((stage) => (isFunctionStage(stage) ? targetOf(stage.transform) : stage.stderr));
    for (const end of [input, stderr, this.#output, ...stages]) {
      if (isEnd(end) && end.state === 'owned') end[Symbol.dispose]();
    }
  }

  /** Gives an error the stack of the call that runs this chain. */
  calledFrom<Made extends Error>(error: Made): Made {
    return calledFrom(this.#caller, error);
  }

  get results(): StageResult[] {
    return this.#runs.map((run) => run.result);
  }

  /** Why it was ended from here. */
  get failure(): Error | undefined {
    return this.#failure?.reason;
  }

  /**
   * Gives an error of ours the fields of an {@link EndedChain}, once the chain is closed. The errors of others stay as they
   * are.
   */
  tellHowItWent(error: unknown, stdout: string | Buffer | undefined): unknown {
    if (!(error instanceof AiopipeError)) return error;
    const { results: stages, stderr } = this;
    return Object.assign(error, { stdout, stderr, stages } satisfies EndedChain);
  }

  /** What was collected of all stages' stderr. */
  get stderr(): string {
    return this.#wiring.stderr?.tail?.text() ?? this.results.map(({ stderr }) => stderr ?? '').join('');
  }

  /** Why it is a failure, if it is. `stdout` is what it wrote, if that was collected. */
  error(stdout: string | Buffer | undefined): PipelineError | undefined {
    const failed = this.#runs.flatMap((run, index) => (this.#hasFailed(run, index) ? [index] : []));
    if (failed.length === 0) return undefined;
    return this.calledFrom(new PipelineError(this.toString(), this.results, failed, this.stderr, stdout));
  }

  #hasFailed(run: ProgramRun | FunctionRun, index: number): boolean {
    if (run instanceof FunctionRun) return run.failure !== undefined;
    const { signalCode } = run.program;
    const wasEnded = signalCode === 'SIGTERM' || signalCode === 'SIGKILL';
    if (wasEnded && this.#wereRunning.includes(run.program)) return false;
    return hasFailed(run.stage, run.result, index === this.#runs.length - 1);
  }

  /** As it stands in messages. */
  get #name(): string {
    return `\`${this.toString()}\``;
  }

  toString(): string {
    return quoteChain(this.#stages, { ...this.#options, output: this.#output });
  }
}
