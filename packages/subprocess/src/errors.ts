import { AiopipeError } from '@aiopipe/core';
import { nameErrors } from '@aiopipe/core/internal';
import { describeExit, type StageResult } from './stage.js';

/** As much of each program's stderr as a message shows; the field has all that was kept. */
const SHOWN_LINES = 10;
const SHOWN_CHARACTERS = 2000;

/** A program of a chain failed. `code` is `ERR_AIOPIPE_PIPELINE`. */
export class PipelineError extends AiopipeError {
  /** How each of them ended, with the last 64 KiB of its stderr, in the order of the chain. */
  readonly stages: readonly StageResult[];
  /** What the chain had written, in the encoding that was asked for; undefined where it was streamed. */
  readonly stdout: string | Buffer | undefined;

  /**
   * @param line - the chain as a shell line
   * @param failed - which stages failed, by their index
   */
  constructor(
    line: string,
    stages: readonly StageResult[],
    failed: readonly number[],
    stdout: string | Buffer | undefined,
  ) {
    super('ERR_AIOPIPE_PIPELINE', pipelineMessage(line, stages, failed));
    this.stages = stages;
    this.stdout = stdout;
  }

  static {
    nameErrors(this);
  }
}

/** A chain wrote more than `maxOutput`, and was ended. `code` is `ERR_AIOPIPE_OUTPUT_TOO_LONG`. */
export class OutputTooLongError extends AiopipeError {
  /** The first `maxOutput` bytes, in the encoding that was asked for. */
  readonly stdout: string | Buffer;
  /** How each program ended: most of them by the signal that ended the chain. */
  readonly stages: readonly StageResult[];

  constructor(line: string, maxOutput: number, stdout: string | Buffer, stages: readonly StageResult[]) {
    super(
      'ERR_AIOPIPE_OUTPUT_TOO_LONG',
      `\`${line}\` wrote more than ${String(maxOutput)} bytes and was ended; raise maxOutput, or take it line by line with lines()`,
    );
    this.stdout = stdout;
    this.stages = stages;
  }

  static {
    nameErrors(this);
  }
}

function pipelineMessage(line: string, stages: readonly StageResult[], failed: readonly number[]): string {
  const names = failed.map((index) => {
    const stage = stages[index] as StageResult;
    return `${stage.argv[0] ?? ''}: ${describeExit(stage)}`;
  });
  const head = `\`${line}\` failed: ${names.join(', ')}`;
  const details = stages.map((stage, index) => {
    const how = `  ${String(index + 1)}. ${stage.argv[0] ?? ''}: ${describeExit(stage)}`;
    return [how, ...lastLines(stage.stderr ?? '').map((text) => `     ${text}`)].join('\n');
  });
  return [head, ...details].join('\n');
}

function lastLines(text: string): string[] {
  const end = text.trimEnd();
  if (end === '') return [];
  return end.slice(-SHOWN_CHARACTERS).split('\n').slice(-SHOWN_LINES);
}
