import { inspect } from 'node:util';
import { type Environment, type Exit, type StderrOption } from '@aiopipe/core';
import { checkArgv, checkSurroundings, optionNames, refuseOptions } from '@aiopipe/core/internal';
import { quote, quoteArgv, show } from '../program/command.js';
import { type StageFunction } from './function-run.js';
import { type Pipeline } from './pipeline.js';

/** One program of a chain, with what is not as usual. */
export interface StageOptions {
  readonly argv: readonly string[];
  /** How results and messages name it; `argv[0]` unless given. */
  readonly name?: string | undefined;
  /** All of its environment; ours unless given. Inherited enumerable names count, as in Node's own spawn. */
  readonly env?: Environment | undefined;
  /** The directory that it starts in; ours unless given. */
  readonly cwd?: string | undefined;
  /**
   * `pipe`, the default, collects it: the last 64 KiB are part of the result. `stdout` sends it down the chain with
   * stdout. An end moves into the program, so that the chain can run once. It counts before the chain's `stderr`.
   */
  readonly stderr?: StderrOption | undefined;
  /**
   * Ways to end that are no failure, beside exit code 0: these exit codes (`[1]` for a `grep` that may find nothing), or
   * with `true` all.
   */
  readonly allowFail?: boolean | readonly number[] | undefined;
}

const STAGE_OPTIONS = optionNames<StageOptions>({
  argv: true,
  name: true,
  env: true,
  cwd: true,
  stderr: true,
  allowFail: true,
});

/** A stage of a chain: a program by its argv, or options with it; a function that runs here; or a chain, all of it. */
export type Stage = readonly string[] | StageOptions | StageFunction | Pipeline;

/** A function of a chain. */
export interface FunctionStage {
  readonly transform: StageFunction;
  readonly name: string;
}

/** A stage as it is kept. */
export type CheckedStage = StageOptions | FunctionStage;

/** How one stage of a chain ended. */
export interface StageResult extends Exit {
  /** The program, or the function's name. */
  readonly name: string;
  /** Undefined for a function. */
  readonly argv: readonly string[] | undefined;
  /** Ours for a function, whose `exitCode` is 0, or 1 if it threw. What it used is not counted. */
  readonly pid: number;
  /** The last 64 KiB of its stderr, as UTF-8; undefined unless that was collected for it alone. */
  readonly stderr: string | undefined;
  /** What a function threw. */
  readonly error?: unknown;
}

export function isFunctionStage(stage: CheckedStage): stage is FunctionStage {
  return 'transform' in stage;
}

/** Throws a TypeError for what can't be a stage. What `stderr` is gets checked when the chain starts. */
export function checkStage(stage: unknown, index: number): CheckedStage {
  if (typeof stage === 'function') {
    return { transform: stage as StageFunction, name: stage.name === '' ? '(anonymous)' : stage.name };
  }
  try {
    const options = Array.isArray(stage) || typeof stage === 'string' ? { argv: stage as string[] } : optionsOf(stage);
    checkArgv(options.argv);
    checkName(options.name);
    checkSurroundings(options.env, options.cwd);
    checkAllowFail(options.allowFail);
    return { ...options, argv: [...options.argv] };
  } catch (error) {
    if (error instanceof TypeError) error.message = `stage ${String(index + 1)}: ${error.message}`;
    throw error;
  }
}

/** Throws a TypeError for what are no options of a stage: another package's object may have an `argv` of its own, too. */
function optionsOf(stage: unknown): StageOptions {
  const expected = 'expected an argv, an object with one, a function or a pipeline';
  if (typeof stage !== 'object' || stage === null) throw new TypeError(`${expected}, not ${show(stage)}`);
  const program = stage as { argv?: unknown; wait?: unknown };
  if (typeof program.wait === 'function') {
    throw new TypeError(`${expected}, not a program that runs already; its stdout can be the input of run()`);
  }
  const prototype = Object.getPrototypeOf(stage) as object | null;
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (program.argv === undefined && !isPlain) throw new TypeError(`${expected}, not ${show(stage)}`);
  const refusal = refuseOptions(stage, STAGE_OPTIONS);
  if (refusal !== undefined) throw refusal;
  if (program.argv === undefined) throw new TypeError(`${expected}, not ${show(stage)}`);
  return stage as StageOptions;
}

function checkName(name: unknown): void {
  if (name === undefined || (typeof name === 'string' && name !== '')) return;
  throw new TypeError(`name: expected a string that is not empty, not ${inspect(name)}`);
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

/** `exit code 2`, `ended by SIGKILL`, `TypeError: no` */
export function describeEnd(result: StageResult): string {
  const { exitCode, signalCode } = result;
  if ('error' in result) {
    const { error } = result;
    return error instanceof Error ? `${error.name}: ${error.message}` : `it threw ${show(error)}`;
  }
  if (signalCode !== null) return `ended by ${signalCode}`;
  return exitCode === null ? 'not known how it ended' : `exit code ${String(exitCode)}`;
}

/** How a shell would write it, but for the environment: that may hold what nobody wants in a log. */
export function quoteStage(stage: CheckedStage): string {
  if (isFunctionStage(stage)) return `[Function: ${stage.name}]`;
  const { argv, cwd, stderr } = stage;
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
