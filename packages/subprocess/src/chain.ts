import { setImmediate as nextTurn } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { AbortError, TimeoutError } from '@aiopipe/core';
import { onAbort, refuse } from '@aiopipe/core/internal';
import { checkChainOptions, MAX_TIMER, type ChainOptions } from './chain-options.js';
import { iterate, type Chunks } from './chunks.js';
import { DEFAULT_GRACE, endPrograms, within } from './ending.js';
import { PipelineError } from './errors.js';
import { FunctionRun } from './function-run.js';
import { GroupGuard } from './group-guard.js';
import { Inlet } from './inlet.js';
import { chunksOf, Feed, isHandedOver } from './input.js';
import { Outlet } from './outlet.js';
import { checkPopen, startProgram, type Program } from './popen.js';
import { ProgramRun } from './program-run.js';
import { DEFAULT_INTERVAL, ProgressReporter } from './progress.js';
import { quoteChain } from './quote-chain.js';
import { SharedStderr } from './shared-stderr.js';
import {
  hasFailed,
  isFunctionStage,
  type CheckedStage,
  type FunctionStage,
  type StageOptions,
  type StageResult,
} from './stage.js';
import { checkStdio, checkTarget, type StdinOption } from './stdio.js';
import { openTarget, type OutputOption, type Target } from './target.js';

/** Milliseconds to wait for the end of a stderr that something else still holds. */
const STDERR_GRACE = 100;

/** Programs that the kernel joins, and what the first of them is fed with from here. */
interface Row {
  readonly programs: Program[];
  readonly feed: Feed | undefined;
}

/** What a stage reads: as a program has it, or as a function has it. */
interface Upstream {
  /** `pipe`: the chunks are written to it. */
  readonly stdin: StdinOption;
  readonly chunks: () => Chunks;
  /** Which programs it comes from. */
  readonly row?: Row;
}

/** A chain that runs, from its start until nothing of it is left. */
export class Chain {
  readonly #stages: readonly CheckedStage[];
  readonly #options: ChainOptions;
  readonly #output: OutputOption | undefined;
  readonly #grace: number;
  readonly #runs: (ProgramRun | FunctionRun)[] = [];
  readonly #feeds: Feed[] = [];
  #guard: GroupGuard | undefined;
  #stderr: SharedStderr | undefined;
  /** What the last stage gives. */
  #outlet: Inlet | undefined;
  /** Where that goes, if it is a function's and not for the caller. */
  #target: Target | undefined;
  #timer: NodeJS.Timeout | undefined;
  #progress: ProgressReporter | undefined;
  #ignoreAbort: (() => void) | undefined;
  #isOver = false;
  /** Resolves when all stages have ended, or when the chain was ended from here and one of them can't be. */
  readonly #over: Promise<void>;
  #settle!: () => void;
  /** Why it was ended from here. */
  #failure: Error | undefined;
  #ending: Promise<void> | undefined;
  /** The programs that ran when it was ended from here. */
  #wereRunning: readonly Program[] = [];

  /** Throws for bad options; nothing has been started. */
  constructor(stages: readonly CheckedStage[], options: ChainOptions, output?: OutputOption) {
    checkChainOptions(options);
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
    for (const stage of stages) if (!isFunctionStage(stage)) checkPopen(stage.argv, { stderr: stage.stderr });
  }

  /** Starts all of it in this turn. If it throws, {@link close} ends what had been started. */
  start(): void {
    const refusal = refuse(this.#options);
    if (refusal !== undefined) throw refusal;
    this.#stderr = new SharedStderr(this.#options.stderr ?? 'pipe', this.toString());
    let upstream = this.#input();
    for (const [index, stage] of this.#stages.entries()) {
      const isLast = index === this.#stages.length - 1;
      upstream = isFunctionStage(stage)
        ? this.#startFunction(stage, upstream, isLast)
        : this.#startProgram(stage, upstream, isLast);
    }
    this.#stderr.started();
    if (this.#output === undefined || upstream.row === undefined) this.#outlet = new Inlet(upstream.chunks(), 'output');
    void Promise.all(this.#runs.map((run) => (run instanceof FunctionRun ? run.done : run.program.wait()))).then(
      this.#settle,
    );
    this.#limit();
  }

  #input(): Upstream {
    const { input, stdin } = this.#options;
    if (stdin === 'inherit') return { stdin, chunks: () => iterate(process.stdin) };
    if (input === undefined) return { stdin: 'ignore', chunks: () => [].values() };
    return { stdin: isHandedOver(input) ? input : 'pipe', chunks: () => chunksOf(input) };
  }

  #startProgram(stage: StageOptions, upstream: Upstream, isLast: boolean): Upstream {
    const { argv, env, cwd } = stage;
    const { stdin } = upstream;
    const slots = checkStdio({
      stdin,
      stdout: (isLast ? this.#output : undefined) ?? 'pipe',
      stderr: stage.stderr,
    }).map((slot) =>
      slot.fd === 2 && stage.stderr === undefined ? { ...slot, spec: this.#stderr?.spec ?? 'pipe' } : slot,
    );
    const program = startProgram(argv, slots, { env, cwd, group: this.#group }, startProgram);
    this.#runs.push(new ProgramRun(stage, program));
    if (program.leadsGroup) this.#guard = new GroupGuard(program.pid);
    const row = upstream.row ?? { programs: [], feed: stdin === 'pipe' ? this.#feed(program, upstream) : undefined };
    row.programs.push(program);
    const { stdout } = program;
    if (stdout !== undefined) return { stdin: stdout, chunks: () => new Outlet(stdout, exitOf(row), this.#grace), row };
    void exitOf(row);
    return { stdin: 'ignore', chunks: () => [].values(), row };
  }

  /** That of the first program; all stay in ours where they read from the terminal: another would be stopped (SIGTTIN). */
  get #group(): 'inherit' | 'own' | number {
    if (this.#options.stdin === 'inherit' && isatty(0)) return 'inherit';
    return this.#programs[0]?.pid ?? 'own';
  }

  get #programs(): Program[] {
    return this.#runs.flatMap((run) => (run instanceof FunctionRun ? [] : [run.program]));
  }

  #feed(program: Program, upstream: Upstream): Feed | undefined {
    if (program.stdin === undefined) return undefined;
    const feed = new Feed(program.stdin.open(), upstream.chunks());
    feed.done.catch((error: unknown) => {
      this.stop(error as Error);
    });
    this.#feeds.push(feed);
    return feed;
  }

  #startFunction({ transform, name }: FunctionStage, upstream: Upstream, isLast: boolean): Upstream {
    const run = new FunctionRun(transform, name, new Inlet(upstream.chunks(), name), this.#grace, () => this.#end());
    this.#runs.push(run);
    if (isLast && this.#output !== undefined) this.#target = openTarget(this.#output, `stdout of ${name}`);
    return { stdin: 'pipe', chunks: () => run };
  }

  #limit(): void {
    const { signal, timeout = Infinity, onProgress, progressInterval = DEFAULT_INTERVAL } = this.#options;
    if (signal !== undefined) {
      this.#ignoreAbort = onAbort(signal, () => {
        this.stop(new AbortError(undefined, { cause: signal.reason }));
      });
    }
    if (onProgress !== undefined) {
      this.#progress = new ProgressReporter(this.#runs, onProgress, progressInterval, (error) => {
        this.stop(error);
      });
    }
    if (timeout === Infinity) return;
    this.#timer = setTimeout(
      () => {
        this.stop(new TimeoutError(`\`${this.toString()}\` did not end within ${String(timeout)} ms`));
      },
      Math.min(timeout, MAX_TIMER),
    );
  }

  /** Ends it; {@link chunks} and {@link finish} throw the reason. */
  stop(reason: Error): void {
    this.#failure ??= reason;
    void this.#end();
    this.#outlet?.stop(this.#failure);
    this.#target?.destroy();
  }

  #end(): Promise<void> {
    return (this.#ending ??= this.#endAll());
  }

  async #endAll(): Promise<void> {
    const programs = this.#programs;
    this.#wereRunning = programs.filter((program) => program.poll() === undefined);
    // The signals first: a program must not take the end of what it is fed with for the end of its input.
    const ended = endPrograms(programs, this.#grace);
    for (const feed of this.#feeds) feed.stop();
    const functions = this.#runs.filter((run) => run instanceof FunctionRun);
    for (const run of functions) run.stop(this.#failure ?? new AbortError('the chain was ended'));
    await Promise.all([ended, ...functions.map((run) => run.done)]);
    this.#settle();
  }

  /** What the last stage writes, unless it goes elsewhere; to the end, or until the chain is ended. */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    const outlet = this.#outlet;
    if (outlet === undefined) return;
    for await (const chunk of outlet) {
      if (this.#target === undefined) yield chunk;
      else if (!(await this.#target.write(chunk))) break;
    }
    await this.#target?.close();
  }

  /** From the start to the end: what `pieces` makes of its output, then its failure. To leave it ends the chain. */
  async *run<T>(pieces: (chunks: AsyncIterable<Buffer>) => AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    try {
      this.start();
      yield* pieces(this.chunks());
      await this.finish();
    } finally {
      await this.close();
    }
    const error = this.error(undefined);
    if (error !== undefined) throw error;
  }

  /** Waits for the end of all stages; throws what ended the chain from here, if something did. */
  async finish(): Promise<void> {
    await this.#over;
    if (this.#failure !== undefined) throw this.#failure;
    const tails = this.#runs.map((run) => (run instanceof FunctionRun ? undefined : run.tail));
    await within(Promise.all([this.#stderr?.tail, ...tails].map((tail) => tail?.done)), STDERR_GRACE);
    await nextTurn();
  }

  /** Ends what still runs, and closes all that is open. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#progress?.stop();
    this.#ignoreAbort?.();
    void this.#outlet?.return();
    this.#target?.destroy();
    if (!this.#isOver) await this.#end();
    await this.#ending;
    this.#stderr?.close();
    for (const run of this.#runs) if (!(run instanceof FunctionRun)) run.close();
    await this.#guard?.close();
  }

  get results(): StageResult[] {
    return this.#runs.map((run) => run.result);
  }

  /** What was collected of all stages' stderr. */
  get stderr(): string {
    return this.#stderr?.tail?.text() ?? this.results.map(({ stderr }) => stderr ?? '').join('');
  }

  /** Why it is a failure, if it is. `stdout` is what it wrote, if that was collected. */
  error(stdout: string | Buffer | undefined): PipelineError | undefined {
    const failed = this.#runs.flatMap((run, index) => (this.#hasFailed(run, index) ? [index] : []));
    if (failed.length === 0) return undefined;
    return new PipelineError(this.toString(), this.results, failed, this.stderr, stdout);
  }

  #hasFailed(run: ProgramRun | FunctionRun, index: number): boolean {
    if (run instanceof FunctionRun) return run.failure !== undefined;
    const { signalCode } = run.program;
    const wasEnded = signalCode === 'SIGTERM' || signalCode === 'SIGKILL';
    if (wasEnded && this.#wereRunning.includes(run.program)) return false;
    return hasFailed(run.stage, run.result, index === this.#runs.length - 1);
  }

  toString(): string {
    return quoteChain(this.#stages, { ...this.#options, output: this.#output });
  }
}

/** Resolves when all programs of the row have ended; the first needs no more input then. */
async function exitOf({ programs, feed }: Row): Promise<void> {
  await Promise.all(programs.map((program) => program.wait()));
  feed?.stop();
}
