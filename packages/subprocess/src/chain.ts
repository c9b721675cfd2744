import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { AbortError, TimeoutError, type PipeReader, type WaitOptions } from '@aiopipe/core';
import { onAbort, refuse } from '@aiopipe/core/internal';
import { DEFAULT_GRACE, endPrograms, within } from './ending.js';
import { checkInput, Feed, isHandedOver, type Input } from './input.js';
import { checkPopen, popen, type Program } from './popen.js';
import { hasFailed, quoteStage, type StageOptions, type StageResult } from './stage.js';
import { Tail } from './tail.js';
import { type StdinOption } from './stdio.js';

/** What all ways to run a chain take. The `signal` and the `timeout` end the whole chain. */
export interface ChainOptions extends WaitOptions {
  /**
   * What the first program reads; `/dev/null` unless given. A FileHandle or a pipe end becomes its stdin as it is, a
   * pipe end moves.
   */
  readonly input?: Input | undefined;
  /**
   * Milliseconds, 2000 by default: from SIGTERM to SIGKILL where the chain is ended, and for which its output is waited
   * for after its last program has ended, as long as something else holds that.
   */
  readonly grace?: number | undefined;
}

/** As many bytes as one system call of the reader brings. */
const CHUNK = 256 * 1024;
/** Milliseconds to wait for the end of a stderr that something else still holds. */
const STDERR_GRACE = 100;
/** What setTimeout takes at most; with more it would not wait at all. */
const MAX_TIMER = 2 ** 31 - 1;
/** A timeout that gives the event loop one chance to look. */
const ONE_LOOK = 1;

/** A chain of programs that runs, from its start until nothing of it is left. */
export class Chain {
  readonly #stages: readonly StageOptions[];
  readonly #options: ChainOptions;
  readonly #grace: number;
  readonly #programs: Program[] = [];
  readonly #tails: (Tail | undefined)[] = [];
  #stdout: PipeReader | undefined;
  #feed: Feed | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ignoreAbort: (() => void) | undefined;
  #hasExited = false;
  /** Resolves when all programs have ended, or when the chain was ended from here and one of them can't be. */
  readonly #over: Promise<void>;
  #isOver!: () => void;
  /** Why it was ended from here. */
  #failure: Error | undefined;
  #ending: Promise<void> | undefined;
  /** Ends the read that waits: because the chain is ended, or because its programs have ended. */
  #interrupt = new AbortController();

  /** Throws for bad options; nothing has been started. */
  constructor(stages: readonly StageOptions[], options: ChainOptions) {
    const refusal = refuse(options);
    if (refusal !== undefined) throw refusal;
    const { input, grace = DEFAULT_GRACE } = options;
    checkInput(input);
    if (typeof grace !== 'number' || !(grace >= 0 && grace <= MAX_TIMER)) {
      throw new TypeError(`grace: expected milliseconds, not ${inspect(grace)}`);
    }
    this.#stages = stages;
    this.#options = options;
    this.#grace = grace;
    this.#over = new Promise((resolve) => {
      this.#isOver = resolve;
    });
    const stdin = this.#stdinOption();
    stages.forEach(({ argv, stderr }, index) => {
      checkPopen(argv, { stderr, ...(index === 0 && { stdin }) });
    });
  }

  #stdinOption(): StdinOption {
    const { input } = this.#options;
    if (input === undefined) return 'ignore';
    return isHandedOver(input) ? input : 'pipe';
  }

  /** Starts all of it in this turn. If it throws, {@link close} ends what had been started. */
  start(): void {
    let stdin = this.#stdinOption();
    for (const { argv, env, cwd, stderr = 'pipe' } of this.#stages) {
      const group = this.#programs[0]?.pid ?? 'own';
      const program = popen(argv, { stdin, stdout: 'pipe', stderr, env, cwd, group });
      this.#programs.push(program);
      this.#tails.push(program.stderr === undefined ? undefined : new Tail(program.stderr));
      stdin = program.stdout;
    }
    this.#stdout = this.#programs.at(-1)?.stdout?.open();
    void Promise.all(this.#programs.map((program) => program.wait())).then(this.#onExit);
    this.#startFeed();
    this.#limit();
  }

  readonly #onExit = (): void => {
    this.#hasExited = true;
    this.#feed?.stop();
    const interrupt = this.#interrupt;
    this.#interrupt = new AbortController();
    interrupt.abort();
    this.#isOver();
  };

  #startFeed(): void {
    const stdin = this.#programs[0]?.stdin;
    const { input } = this.#options;
    if (stdin === undefined || input === undefined) return;
    this.#feed = new Feed(stdin.open(), input);
    this.#feed.done.catch((error: unknown) => {
      this.#stop(error as Error);
    });
  }

  #limit(): void {
    const { signal, timeout = Infinity } = this.#options;
    if (signal !== undefined) {
      this.#ignoreAbort = onAbort(signal, () => {
        this.#stop(new AbortError(undefined, { cause: signal.reason }));
      });
    }
    if (timeout === Infinity) return;
    this.#timer = setTimeout(
      () => {
        this.#stop(new TimeoutError(`\`${this.toString()}\` did not end within ${String(timeout)} ms`));
      },
      Math.min(timeout, MAX_TIMER),
    );
  }

  #stop(reason: Error): void {
    this.#failure ??= reason;
    void this.#end();
    this.#interrupt.abort();
  }

  #end(): Promise<void> {
    this.#feed?.stop();
    return (this.#ending ??= endPrograms(this.#programs, this.#grace).then(this.#isOver));
  }

  /**
   * What the last program writes, until it and all others have closed their side. Something that a program left behind
   * may hold it: after the last of them has ended, at most the grace is spent waiting for more.
   */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    while (!this.#hasExited) {
      const chunk = await this.#read(Infinity);
      if (chunk?.length === 0) return;
      if (chunk !== undefined) yield chunk;
    }
    for (let left = this.#grace; left > 0;) {
      const begin = performance.now();
      const chunk = await this.#read(left);
      left -= performance.now() - begin;
      if (chunk === undefined) break;
      if (chunk.length === 0) return;
      yield chunk;
    }
    // An event loop that was blocked sees that the time has passed before it sees the bytes that came meanwhile.
    const chunk = await this.#read(ONE_LOOK);
    if (chunk !== undefined && chunk.length > 0) yield chunk;
  }

  /** Undefined if nothing came in time, or the programs have ended meanwhile. */
  async #read(timeout: number): Promise<Buffer | undefined> {
    this.#throwFailure();
    const reader = this.#stdout as PipeReader;
    try {
      return await reader.read(CHUNK, { timeout, signal: this.#interrupt.signal });
    } catch (error) {
      this.#throwFailure();
      if (error instanceof AbortError || error instanceof TimeoutError) return undefined;
      throw error;
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Waits for the end of all programs; throws what ended the chain from here, if something did. */
  async finish(): Promise<void> {
    await this.#over;
    this.#throwFailure();
    await within(Promise.all(this.#tails.map((tail) => tail?.done)), STDERR_GRACE);
    await nextTurn();
  }

  /** Ends what still runs, and closes all that is open. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#ignoreAbort?.();
    this.#stdout?.[Symbol.dispose]();
    if (!this.#hasExited) await this.#end();
    await this.#ending;
    for (const tail of this.#tails) tail?.close();
    for (const program of this.#programs) program.closeEnds();
  }

  results(): StageResult[] {
    return this.#programs.map((program, index) => ({
      argv: program.argv,
      pid: program.pid,
      exitCode: program.exitCode,
      signalCode: program.signalCode,
      resourceUsage: program.resourceUsage ?? { userCPUTime: 0, systemCPUTime: 0, maxRSS: 0 },
      stderr: this.#tails[index]?.text(),
    }));
  }

  /** The indexes of the stages that failed. */
  failed(results: readonly StageResult[]): number[] {
    return results.flatMap((result, index) => {
      const isLast = index === results.length - 1;
      return hasFailed(this.#stages[index] as StageOptions, result, isLast) ? [index] : [];
    });
  }

  toString(): string {
    return this.#stages.map(quoteStage).join(' | ');
  }
}
