import { type Exit, type Limits } from '@aiopipe/core';
import { describeValue, limitsBehindEnd, show } from '@aiopipe/core/internal';

/**
 * How one stage of a chain ended.
 *
 * @example
 * ```ts
 * import { pipeline } from '@aiopipe/subprocess';
 *
 * const { stages } = await pipeline(['yes'], ['head', '-1']).run();
 * for (const { name, exitCode, signalCode } of stages) console.log(name, exitCode, signalCode);
 * ```
 * ```text
 * yes null SIGPIPE
 * head 0 null
 * ```
 */
export interface StageResult extends Exit {
  /** The program, or the function's name. */
  readonly name: string;
  /** Undefined for a function. */
  readonly argv: readonly string[] | undefined;
  /** Our own for a function. Its `exitCode` is 0, or 1 if it threw, and its resource usage is not measured. */
  readonly pid: number;
  /** The last 64 KiB of its stderr, as UTF-8; undefined unless that was collected for this stage alone. */
  readonly stderr: string | undefined;
  /** The limits that it had, if it had any. */
  readonly limits?: Limits;
  /** The value that a function threw. */
  readonly error?: unknown;
}

/**
 * The result of a chain.
 *
 * @example
 * ```ts
 * import { pipeline } from '@aiopipe/subprocess';
 *
 * const { stdout, stderr, stages } = await pipeline(['sh', '-c', 'echo out; echo err >&2'], ['cat']);
 * console.log(stdout.trim(), stderr.trim(), stages.length);
 * ```
 * ```text
 * out err 2
 * ```
 */
export interface PipelineResult<Output extends string | Buffer = string> {
  /** All that the last stage wrote; empty with the `output` option. */
  readonly stdout: Output;
  /**
   * The collected stderr of the stages: the last 64 KiB of each, one after the other; with `stderr: 'shared'` the last
   * 64 KiB of all, in the order in which they wrote.
   */
  readonly stderr: string;
  /** How each stage ended, in the order of the chain. */
  readonly stages: readonly StageResult[];
}

/** Describes how a stage ended: `exit code 2`, `ended by SIGKILL`, `TypeError: no`. */
export function describeEnd(result: StageResult): string {
  const { exitCode, signalCode } = result;
  if ('error' in result) return describeThrown(result.error);
  const why = limitsBehindEnd(result.limits, result);
  if (signalCode !== null) return `ended by ${signalCode}${why}`;
  return exitCode === null ? 'ended in an unknown way' : `exit code ${String(exitCode)}`;
}

/** Describes what a user's code threw. */
export function describeThrown(thrown: unknown): string {
  return isError(thrown) ? describeValue(thrown) : `it threw ${show(thrown)}`;
}

/** `instanceof` asks a Proxy for its prototype, which may throw. */
function isError(thrown: unknown): boolean {
  try {
    return thrown instanceof Error;
  } catch {
    return false;
  }
}
