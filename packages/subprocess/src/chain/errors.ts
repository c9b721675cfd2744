import { AiopipeError } from '@aiopipe/core';
import { nameErrors } from '@aiopipe/core/internal';
import { describeEnd, type StageResult } from './stage.js';

/** As much of each program's stderr as a message shows; the field has all that was kept. */
const SHOWN_LINES = 10;
const SHOWN_CHARACTERS = 2000;

/** A stage of a chain failed. `code` is `ERR_AIOPIPE_PIPELINE`; `cause` is what the first function that failed threw. */
export class PipelineError extends AiopipeError {
  /** How each of them ended, with the last 64 KiB of its stderr, in the order of the chain. */
  readonly stages: readonly StageResult[];
  /** What the chain had written, in the encoding that was asked for; undefined where it was streamed. */
  readonly stdout: string | Buffer | undefined;
  /** What was collected of all stages' stderr, as {@link PipelineResult} has it. */
  readonly stderr: string;

  /**
   * @param line - the chain as a shell line
   * @param failed - which stages failed, by their index
   */
  constructor(
    line: string,
    stages: readonly StageResult[],
    failed: readonly number[],
    stderr: string,
    stdout: string | Buffer | undefined,
  ) {
    const threw = failed.map((index) => stages[index] as StageResult).find((stage) => 'error' in stage);
    super('ERR_AIOPIPE_PIPELINE', pipelineMessage(line, stages, failed, stderr), threw && { cause: threw.error });
    this.stages = stages;
    this.stderr = stderr;
    this.stdout = stdout;
  }

  static {
    nameErrors(this);
  }
}

/**
 * What every error of ours has with which a chain rejects after its start: also an {@link AbortError}, a
 * {@link TimeoutError}, a {@link LineTooLongError} or a {@link SystemError}.
 */
export interface EndedChain {
  /** What the chain had written, if it was collected; text in the encoding that was asked for, or bytes. */
  readonly stdout: string | Buffer | undefined;
  /** What was collected of all stages' stderr, as {@link PipelineResult} has it. */
  readonly stderr: string;
  /** How each stage ended that was started, in the order of the chain. */
  readonly stages: readonly StageResult[];
}

/** What holds no more output, and what to do then. */
const REMEDIES = {
  maxOutput: 'raise maxOutput, or take it line by line with lines()',
  string: "take it as bytes with encoding: 'buffer', or line by line with lines()",
  Buffer: 'take it line by line with lines(), or send it to a file with the output option',
};

/**
 * A chain wrote more than `maxOutput`, or than a string or a Buffer can hold, and was ended. `code` is
 * `ERR_AIOPIPE_OUTPUT_TOO_LONG`.
 */
export class OutputTooLongError extends AiopipeError {
  /** What came until there, in the encoding that was asked for; where that was too long for a string, the bytes. */
  readonly stdout: string | Buffer;
  /** How each program ended: most of them by the signal that ended the chain. */
  readonly stages: readonly StageResult[];
  /** What was collected of all stages' stderr, as {@link PipelineResult} has it. */
  readonly stderr: string;

  constructor(
    line: string,
    limit: number,
    reached: keyof typeof REMEDIES,
    stdout: string | Buffer,
    stages: readonly StageResult[],
    stderr: string,
  ) {
    const most = reached === 'maxOutput' ? '' : `, which is all that a ${reached} can hold,`;
    super(
      'ERR_AIOPIPE_OUTPUT_TOO_LONG',
      `\`${line}\` wrote more than ${String(limit)} bytes${most} and was ended; ${REMEDIES[reached]}`,
    );
    this.stdout = stdout;
    this.stages = stages;
    this.stderr = stderr;
  }

  static {
    nameErrors(this);
  }
}

function pipelineMessage(
  line: string,
  stages: readonly StageResult[],
  failed: readonly number[],
  stderr: string,
): string {
  const describe = (stage: StageResult) => `${stage.name}: ${describeEnd(stage)}`;
  const indented = (text: string) => lastLines(text).map((line) => `     ${line}`);
  const head = `\`${line}\` failed: ${failed.map((index) => describe(stages[index] as StageResult)).join(', ')}`;
  const details = stages.flatMap((stage, index) => [
    `  ${String(index + 1)}. ${describe(stage)}`,
    ...indented(stage.stderr ?? ''),
  ]);
  const shared = stages.some((stage) => stage.stderr !== undefined) ? [] : indented(stderr);
  return [head, ...details, ...shared].join('\n');
}

function lastLines(text: string): string[] {
  const end = text.trimEnd();
  if (end === '') return [];
  return end.slice(-SHOWN_CHARACTERS).split('\n').slice(-SHOWN_LINES);
}
