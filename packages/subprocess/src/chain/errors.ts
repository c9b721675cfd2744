import { AiopipeError } from '@aiopipe/core';
import { nameErrors } from '@aiopipe/core/internal';
import { describeEnd, describeThrown, type StageResult } from './result.js';

/** A message shows this much of each program's stderr; the `stderr` fields have all that was kept. */
const SHOWN_LINES = 10;
const SHOWN_CHARACTERS = 2000;

/**
 * Every error of aiopipe has these fields if a chain rejects with it after the start of the chain: also an
 * AbortError, a TimeoutError, a LineTooLongError or a SystemError.
 *
 * @see the example of {@link PipelineError}
 */
export interface EndedChain {
  /** The output so far, if it was collected: text in the requested encoding, or bytes. */
  readonly stdout: string | Buffer | undefined;
  /** The collected stderr of all stages, as in {@link PipelineResult}. */
  readonly stderr: string;
  /** How each started stage ended, in the order of the chain. */
  readonly stages: readonly StageResult[];
}

/** An option of a chain that threw. */
export interface FailedOption {
  readonly name: 'input' | 'onProgress';
  readonly reason: unknown;
}

/**
 * A stage of a chain failed, or its `input` or `onProgress` threw. `code` is `ERR_AIOPIPE_PIPELINE`; `cause` is what was
 * thrown: by the option, or by the first function that failed.
 *
 * @example
 * ```ts
 * import { pipeline, PipelineError } from '@aiopipe/subprocess';
 *
 * try {
 *   await pipeline(['sh', '-c', 'exit 3'], ['wc', '-l']).run();
 * } catch (error) {
 *   if (!(error instanceof PipelineError)) throw error;
 *   for (const { name, exitCode } of error.stages) console.log(name, exitCode);
 * }
 * ```
 * ```text
 * sh 3
 * wc 0
 * ```
 */
export class PipelineError extends AiopipeError implements EndedChain {
  /** The output so far, in the requested encoding; undefined if it was streamed. */
  readonly stdout: string | Buffer | undefined;
  readonly stderr: string;
  readonly stages: readonly StageResult[];

  private constructor(line: string, ended: EndedChain, failed: readonly number[], option?: FailedOption) {
    const threw = option ? { error: option.reason } : failed.map((index) => ended.stages[index]).find(hasThrown);
    super('ERR_AIOPIPE_PIPELINE', pipelineMessage(line, ended, failed, option), threw && { cause: threw.error });
    this.stdout = ended.stdout;
    this.stderr = ended.stderr;
    this.stages = ended.stages;
  }

  /**
   * @param line - the chain as a shell line
   * @param failed - the indexes of the failed stages
   * @param option - the option that ended the chain
   * @internal
   */
  static make(line: string, ended: EndedChain, failed: readonly number[], option?: FailedOption): PipelineError {
    return new PipelineError(line, ended, failed, option);
  }

  static {
    nameErrors(this);
  }
}

function hasThrown(stage: StageResult | undefined): boolean {
  return stage !== undefined && 'error' in stage;
}

/** The source of the output's limit: the caller, or the longest string or Buffer. */
export type OutputLimit = 'maxOutput' | 'string' | 'Buffer';

const REMEDIES: Record<OutputLimit, string> = {
  maxOutput: 'raise maxOutput, or read the lines with lines()',
  string: "read bytes with encoding: 'buffer', or read the lines with lines()",
  Buffer: 'read the lines with lines(), or send the output to a file with the output option',
};

/**
 * A chain wrote more than `maxOutput`, or than a string or a Buffer can hold, and was ended. `code` is
 * `ERR_AIOPIPE_OUTPUT_TOO_LONG`.
 *
 * @example
 * ```ts
 * import { OutputTooLongError, pipeline } from '@aiopipe/subprocess';
 *
 * try {
 *   await pipeline(['yes']).run({ maxOutput: 4 });
 * } catch (error) {
 *   if (!(error instanceof OutputTooLongError)) throw error;
 *   console.log(JSON.stringify(error.stdout));
 * }
 * ```
 * ```text
 * "y\ny\n"
 * ```
 */
export class OutputTooLongError extends AiopipeError implements EndedChain {
  /** The output up to the limit, in the encoding that was asked for; the bytes, if they were too long for a string. */
  readonly stdout: string | Buffer = '';
  readonly stderr: string = '';
  readonly stages: readonly StageResult[] = [];

  private constructor(line: string, limit: number, setBy: OutputLimit) {
    const most = setBy === 'maxOutput' ? '' : `, the most that a ${setBy} can hold,`;
    super(
      'ERR_AIOPIPE_OUTPUT_TOO_LONG',
      `\`${line}\` wrote more than ${String(limit)} bytes${most} and was ended; ${REMEDIES[setBy]}`,
    );
  }

  /**
   * @param line - the chain as a shell line
   * @internal
   */
  static make(line: string, limit: number, setBy: OutputLimit): OutputTooLongError {
    return new OutputTooLongError(line, limit, setBy);
  }

  static {
    nameErrors(this);
  }
}

function pipelineMessage(
  line: string,
  { stages, stderr }: EndedChain,
  failed: readonly number[],
  option: FailedOption | undefined,
): string {
  const describe = (stage: StageResult) => `${stage.name}: ${describeEnd(stage)}`;
  const indented = (text: string) => lastLines(text).map((shown) => `     ${shown}`);
  const reasons = failed.map((index) => describe(stages[index] as StageResult));
  if (option !== undefined) reasons.unshift(`${option.name}: ${describeThrown(option.reason)}`);
  const details = stages.flatMap((stage, index) => [
    `  ${String(index + 1)}. ${describe(stage)}`,
    ...indented(stage.stderr ?? ''),
  ]);
  const shared = stages.some((stage) => stage.stderr !== undefined) ? [] : indented(stderr);
  return [`\`${line}\` failed: ${reasons.join(', ')}`, ...details, ...shared].join('\n');
}

function lastLines(text: string): string[] {
  const end = text.trimEnd();
  if (end === '') return [];
  return end.slice(-SHOWN_CHARACTERS).split('\n').slice(-SHOWN_LINES);
}
