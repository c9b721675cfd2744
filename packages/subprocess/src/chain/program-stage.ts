import { type Environment, type Limits, type StderrOption } from '@aiopipe/core';
import {
  checkArgv,
  checkLimits,
  checkName,
  checkStdio,
  checkSurroundings,
  isEnd,
  optionNames,
  refuseOptions,
  show,
  instead,
} from '@aiopipe/core/internal';
import { FOREIGN_OPTIONS } from '../program/foreign-options.js';
import { quote, quoteArgv } from '../program/quote.js';
import { checkPopen, INHERITED, startProgram } from '../program/popen.js';
import { type Program } from '../program/program.js';
import { Feed } from '../io/feed.js';
import { ProgramRun } from './program-run.js';
import { type StageResult } from './result.js';
import { type Run, type Source } from './run.js';
import { Segment } from './segment.js';
import { type ChainStage, type Surroundings } from './stage.js';

/**
 * One program of a chain, and its options.
 *
 * @example
 * ```ts
 * import { pipeline } from '@aiopipe/subprocess';
 *
 * const { stdout, stages } = await pipeline(
 *   { argv: ['sh', '-c', 'echo $WORD'], name: 'say', env: { ...process.env, WORD: 'hello' }, cwd: '/' },
 *   { argv: ['grep', 'bye'], allowFail: [1] }, // it finds nothing
 * );
 * console.log(stdout.length, stages[0]?.name, stages[1]?.exitCode);
 * ```
 * ```text
 * 0 say 1
 * ```
 */
export interface StageOptions {
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** Names the stage in results and messages; `argv[0]` by default. */
  readonly name?: string | undefined;
  /** All of its environment; ours by default. Inherited enumerable names count, as in Node's own spawn. */
  readonly env?: Environment | undefined;
  /** The directory that it starts in; ours by default. */
  readonly cwd?: string | undefined;
  /**
   * The target of its stderr; by default the chain's `stderr`. `pipe` collects the last 64 KiB for the result.
   * `stdout` sends it down the chain with stdout. An end moves into the program, so that the chain can run once only.
   */
  readonly stderr?: StderrOption | undefined;
  /**
   * Exit codes besides 0 that are not a failure (`[1]` for a `grep` that may find nothing). `true` allows every end, also
   * by a signal.
   */
  readonly allowFail?: boolean | readonly number[] | undefined;
  /** What it may do: memory, time, files, its user. As much as this process by default. */
  readonly limits?: Limits | undefined;
}

const STAGE_OPTIONS = optionNames<StageOptions>(
  {
    argv: true,
    name: true,
    env: true,
    cwd: true,
    stderr: true,
    allowFail: true,
    limits: true,
  },
  {
    ...FOREIGN_OPTIONS,
    stdio: 'the chain joins stdin and stdout; write stderr, or run({ input, output })',
    stdin: 'write run({ input })',
    stdout: 'write run({ output })',
    ...instead(['timeout', 'signal', 'input', 'output', 'grace', 'encoding', 'maxOutput'], 'write run({ * })'),
    ...instead(['reject', 'nothrow'], 'write allowFail: true'),
    maxBuffer: 'write run({ maxOutput })',
  },
);

/** 128 + SIGPIPE: what a shell makes of a program in it that the signal ended. */
const SIGPIPE_EXIT = 141;

/** A program as a stage. */
export class ProgramStage implements ChainStage {
  readonly #options: StageOptions;

  constructor(options: StageOptions) {
    this.#options = { ...options, argv: [...options.argv] };
  }

  get given(): readonly unknown[] {
    const { stderr } = this.#options;
    return isEnd(stderr) ? [stderr] : [];
  }

  check(): void {
    checkPopen(this.#options.argv, { stderr: this.#options.stderr });
  }

  start(source: Source, isLast: boolean, surroundings: Surroundings): Run {
    const { argv, name = argv[0] as string, env, cwd, stderr, limits } = this.#options;
    const { group, grace, onInputFailure } = surroundings;
    const stdout = (isLast ? surroundings.output : undefined) ?? 'pipe';
    const slots = checkStdio({ stdin: source.stdin, stdout, stderr }, INHERITED).map((slot) =>
      slot.fd === 2 && stderr === undefined ? { ...slot, spec: surroundings.stderr.spec } : slot,
    );
    const program = startProgram(argv, slots, { env, cwd, limits, ...group.startOptions }, startProgram);
    group.add(program);
    const feed = feedOf(program, source, onInputFailure);
    const segment = source.segment ?? new Segment(feed);
    return new ProgramRun(program, { name, limits, group, segment, feed, grace, isFailure: this.#isFailure });
  }

  readonly #isFailure = ({ exitCode, signalCode }: StageResult, isLast: boolean): boolean => {
    const { allowFail = [] } = this.#options;
    if (exitCode === 0 || allowFail === true) return false;
    // The program after it had all that it wanted, as `head` has: that is how `yes | head` ends.
    if (!isLast && (signalCode === 'SIGPIPE' || exitCode === SIGPIPE_EXIT)) return false;
    return exitCode === null || allowFail === false || !allowFail.includes(exitCode);
  };

  /** Without the environment, which may hold secrets: the line is for logs. */
  toString(): string {
    const { argv, cwd, stderr } = this.#options;
    const line = quoteArgv(argv) + quoteStderr(stderr);
    return cwd === undefined ? line : `(cd ${quote(cwd)} && ${line})`;
  }
}

function feedOf(program: Program, source: Source, onFailure: (reason: unknown) => void): Feed | undefined {
  if (program.stdin === undefined) return undefined;
  const feed = new Feed(program.stdin.open(), source.chunks());
  feed.done.catch(onFailure);
  return feed;
}

function quoteStderr(stderr: StderrOption | undefined): string {
  if (stderr === 'stdout') return ' 2>&1';
  if (stderr === 'ignore') return ' 2>/dev/null';
  if (typeof stderr !== 'object' || !('file' in stderr)) return '';
  const append = 'append' in stderr && stderr.append === true;
  return ` ${append ? '2>>' : '2>'}${quote(stderr.file)}`;
}

/** Throws TypeError for wrong options of a stage. `stderr` is checked when the chain starts. */
export function checkStageOptions(stage: unknown): StageOptions {
  const options = Array.isArray(stage) || typeof stage === 'string' ? { argv: stage as string[] } : optionsOf(stage);
  checkArgv(options.argv);
  if (options.name !== undefined) checkName('name', options.name);
  checkSurroundings(options.env, options.cwd);
  checkAllowFail(options.allowFail);
  checkLimits(options.limits);
  return options;
}

/** An object of another package may have an `argv` of its own, too. */
function optionsOf(stage: unknown): StageOptions {
  const expected = 'expected an argv, an object with one, a function or a pipeline';
  if (typeof stage !== 'object' || stage === null) throw new TypeError(`${expected}, not ${show(stage)}`);
  const program = stage as { argv?: unknown; wait?: unknown };
  if (typeof program.wait === 'function') {
    throw new TypeError(`${expected}, not a program that is running already; pass its stdout as the input of run()`);
  }
  const prototype = Object.getPrototypeOf(stage) as object | null;
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (program.argv === undefined && !isPlain) throw new TypeError(`${expected}, not ${show(stage)}`);
  if ('terminal' in stage) {
    throw new TypeError(
      'terminal: a program of a chain reads from pipes and writes to pipes; start it alone, with popen()',
    );
  }
  const refusal = refuseOptions(stage, STAGE_OPTIONS);
  if (refusal !== undefined) throw refusal;
  if (program.argv === undefined) throw new TypeError(`${expected}, not ${show(stage)}`);
  return stage as StageOptions;
}

function checkAllowFail(allowed: unknown): void {
  if (allowed === undefined || typeof allowed === 'boolean') return;
  if (Array.isArray(allowed) && allowed.every((code) => Number.isInteger(code))) return;
  throw new TypeError(`allowFail: expected true or a list of exit codes, not ${show(allowed)}`);
}
