import { inspect } from 'node:util';
import { type Exit } from '@aiopipe/core/internal';
import { checkArgv, checkSurroundings, quote, quoteArgv, type Environment } from './command.js';
import { type StderrOption } from './stdio.js';

/** One program of a chain, with what is not as usual. */
export interface StageOptions {
  readonly argv: readonly string[];
  /** All of its environment; ours unless given. */
  readonly env?: Environment | undefined;
  /** The directory that it starts in; ours unless given. */
  readonly cwd?: string | undefined;
  /**
   * `pipe`, the default, collects it: the last 64 KiB are part of the result. `stdout` sends it down the chain with
   * stdout. An end moves into the program, so that the chain can run once.
   */
  readonly stderr?: StderrOption | undefined;
  /**
   * Ways to end that are no failure, beside exit code 0: these exit codes (`[1]` for a `grep` that may find nothing), or
   * with `true` all.
   */
  readonly allowFail?: boolean | readonly number[] | undefined;
}

/** A program of a chain: its argv, or options with it. */
export type Stage = readonly string[] | StageOptions;

/** How one program of a chain ended. */
export interface StageResult extends Exit {
  readonly argv: readonly string[];
  readonly pid: number;
  /** The last 64 KiB of its stderr, as UTF-8; undefined unless it was collected. */
  readonly stderr: string | undefined;
}

/** Throws a TypeError for what can't be a stage. What `stderr` is gets checked when the chain starts. */
export function checkStage(stage: unknown, index: number): StageOptions {
  try {
    const options = (
      Array.isArray(stage) || typeof stage !== 'object' ? { argv: stage } : stage
    ) as StageOptions | null;
    if (options === null) throw new TypeError('expected an argv or an object with one, not null');
    checkArgv(options.argv);
    checkSurroundings(options.env, options.cwd);
    checkAllowFail(options.allowFail);
    return { ...options, argv: [...options.argv] };
  } catch (error) {
    if (error instanceof TypeError) error.message = `stage ${String(index + 1)}: ${error.message}`;
    throw error;
  }
}

function checkAllowFail(allowed: unknown): void {
  if (allowed === undefined || typeof allowed === 'boolean') return;
  if (Array.isArray(allowed) && allowed.every((code) => Number.isInteger(code))) return;
  throw new TypeError(`allowFail: expected true or a list of exit codes, not ${inspect(allowed)}`);
}

/** 128 + SIGPIPE: what a shell makes of a program in it that the signal ended. */
const SIGPIPE_EXIT = 141;

/** Whether its end makes the chain a failure. `isLast`: nobody of the chain reads from it. */
export function hasFailed(stage: StageOptions, { exitCode, signalCode }: Exit, isLast: boolean): boolean {
  const { allowFail = [] } = stage;
  if (exitCode === 0 || allowFail === true) return false;
  // The program after it had all that it wanted, as `head` has: that is how `yes | head` ends.
  if (!isLast && (signalCode === 'SIGPIPE' || exitCode === SIGPIPE_EXIT)) return false;
  return exitCode === null || allowFail === false || !allowFail.includes(exitCode);
}

/** `exit code 2`, `SIGKILL` */
export function describeExit({ exitCode, signalCode }: Exit): string {
  if (signalCode !== null) return `ended by ${signalCode}`;
  return exitCode === null ? 'not known how it ended' : `exit code ${String(exitCode)}`;
}

/** How a shell would write it, but for the environment: that may hold what nobody wants in a log. */
export function quoteStage({ argv, cwd, stderr }: StageOptions): string {
  const line = quoteArgv(argv) + quoteStderr(stderr);
  return cwd === undefined ? line : `(cd ${quote(cwd)} && ${line})`;
}

function quoteStderr(stderr: StderrOption | undefined): string {
  if (stderr === 'stdout') return ' 2>&1';
  if (stderr === 'ignore') return ' 2>/dev/null';
  if (typeof stderr !== 'object' || !('file' in stderr)) return '';
  const append = 'append' in stderr && stderr.append === true;
  return ` ${append ? '2>>' : '2>'}${quote(stderr.file)}`;
}
