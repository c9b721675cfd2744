import { isatty } from 'node:tty';
import { type ChainOptions } from './options.js';
import { iterate, type Chunks } from '../io/chunks.js';
import { checkStdio, DEFAULT_GRACE } from '@aiopipe/core/internal';
import { type StdinOption } from '@aiopipe/core';
import { FunctionRun } from './function-run.js';
import { Inlet } from '../io/inlet.js';
import { chunksOf, Feed, isHandedOver } from '../io/input.js';
import { Outlet } from '../io/outlet.js';
import { INHERITED, startProgram } from '../program/popen.js';
import { type Program } from '../program/program.js';
import { ProgramRun } from './program-run.js';
import { SharedStderr } from './shared-stderr.js';
import { isFunctionStage, type CheckedStage, type FunctionStage, type StageOptions } from './stage.js';
import { openTarget, type OutputOption, type Target } from '../io/target.js';

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

/** The stages of a chain as they are started, and what joins them. What was started before a failure is there, too. */
export class Wiring {
  readonly runs: (ProgramRun | FunctionRun)[] = [];
  readonly feeds: Feed[] = [];
  stderr: SharedStderr | undefined;
  /** What the last stage gives, unless it is a program that writes elsewhere. */
  outlet: Inlet | undefined;
  /** Where that goes, if it is a function's and not for the caller. */
  target: Target | undefined;
  readonly #options: ChainOptions;
  readonly #output: OutputOption | undefined;
  readonly #grace: number;
  readonly #onInputFailure: (error: Error) => void;
  readonly #onFunctionFailure: () => void;

  /**
   * @param onInputFailure - gets what the input threw
   * @param onFunctionFailure - called when a function has thrown, before anyone hears of its end
   */
  constructor(
    options: ChainOptions,
    output: OutputOption | undefined,
    onInputFailure: (error: Error) => void,
    onFunctionFailure: () => void,
  ) {
    this.#options = options;
    this.#output = output;
    this.#grace = options.grace ?? DEFAULT_GRACE;
    this.#onInputFailure = onInputFailure;
    this.#onFunctionFailure = onFunctionFailure;
  }

  /**
   * All in this turn.
   *
   * @param line - the chain, as it is named in messages
   */
  start(stages: readonly CheckedStage[], line: string): void {
    const stderr = new SharedStderr(this.#options.stderr ?? 'pipe', line);
    this.stderr = stderr;
    let upstream = this.#input();
    for (const [index, stage] of stages.entries()) {
      const isLast = index === stages.length - 1;
      upstream = isFunctionStage(stage)
        ? this.#startFunction(stage, upstream, isLast)
        : this.#startProgram(stage, upstream, isLast);
    }
    stderr.started();
    if (this.#output === undefined || upstream.row === undefined) this.outlet = new Inlet(upstream.chunks(), 'output');
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
    const slots = checkStdio(
      { stdin, stdout: (isLast ? this.#output : undefined) ?? 'pipe', stderr: stage.stderr },
      INHERITED,
    ).map((slot) =>
      slot.fd === 2 && stage.stderr === undefined ? { ...slot, spec: this.stderr?.spec ?? 'pipe' } : slot,
    );
    const group = this.#group;
    // The leader's entry is the whole group's. The system's death signal reaches only those that we started.
    const guard = { kind: group === 'own' ? 'chain' : 'program', killAfter: DEFAULT_GRACE } as const;
    const program = startProgram(argv, slots, { env, cwd, group, guard }, startProgram);
    this.runs.push(new ProgramRun(stage, program));
    const row = upstream.row ?? { programs: [], feed: stdin === 'pipe' ? this.#feed(program, upstream) : undefined };
    row.programs.push(program);
    const { stdout } = program;
    if (stdout !== undefined) return { stdin: stdout, chunks: () => new Outlet(stdout, exitOf(row), this.#grace), row };
    void exitOf(row);
    return { stdin: 'ignore', chunks: () => [].values(), row };
  }

  /**
   * That of the first program. All stay in ours if they have the terminal: a pager writes to it, but reads its keys there, too, and
   * the system would stop another group (SIGTTIN).
   */
  get #group(): 'inherit' | 'own' | number {
    const { stdin, stderr } = this.#options;
    const given = [stdin, this.#output, stderr];
    if (given.some((option, fd) => option === 'inherit' && isatty(fd))) return 'inherit';
    return this.programs[0]?.pid ?? 'own';
  }

  /** Those that have been started. */
  get programs(): Program[] {
    return this.runs.flatMap((run) => (run instanceof FunctionRun ? [] : [run.program]));
  }

  #feed(program: Program, upstream: Upstream): Feed | undefined {
    if (program.stdin === undefined) return undefined;
    const feed = new Feed(program.stdin.open(), upstream.chunks());
    feed.done.catch((error: unknown) => {
      this.#onInputFailure(error as Error);
    });
    this.feeds.push(feed);
    return feed;
  }

  #startFunction({ transform, name }: FunctionStage, upstream: Upstream, isLast: boolean): Upstream {
    const run = new FunctionRun(
      transform,
      name,
      new Inlet(upstream.chunks(), name),
      this.#grace,
      this.#onFunctionFailure,
    );
    this.runs.push(run);
    if (isLast && this.#output !== undefined) this.target = openTarget(this.#output, `stdout of ${name}`);
    return { stdin: 'pipe', chunks: () => run };
  }
}

/** Resolves when all programs of the row have ended; the first needs no more input then. */
async function exitOf({ programs, feed }: Row): Promise<void> {
  await Promise.all(programs.map((program) => program.wait()));
  feed?.stop();
}
