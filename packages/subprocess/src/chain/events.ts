import { type TracedMessage } from '@aiopipe/core';
import { Traced } from '@aiopipe/core/internal';
import { type StageResult } from './result.js';
import { type ByteCounts } from './run.js';

/**
 * A stage of a chain that runs: its fields tell how it is now.
 *
 * @see the example of {@link PipelineRun}
 */
export interface ObservedStage {
  readonly name: string;
  /** How it ended, as far as it is known. A function has no `pid`. */
  readonly result: StageResult;
  /** What went through it by now; undefined if it has ended, or the system does not tell. */
  readonly byteCounts: ByteCounts | undefined;
}

/**
 * The message of the TracingChannel `aiopipe:pipeline.run`: a chain, from its start until all of it has ended. Its programs start
 * within `start` and `end`: `aiopipe:process.start` tells of each.
 *
 * @example
 * ```ts
 * import { channel } from 'node:diagnostics_channel';
 * import { pipeline, type PipelineRun } from '@aiopipe/subprocess';
 *
 * channel('tracing:aiopipe:pipeline.run:asyncEnd').subscribe((message) => {
 *   const { chain, stages } = message as PipelineRun;
 *   console.log(chain, ...stages.map(({ result }) => result.exitCode));
 * });
 * await pipeline(['echo', 'hello'], ['wc', '-c']).run();
 * ```
 * ```text
 * echo hello | wc -c 0 0
 * ```
 */
export interface PipelineRun extends TracedMessage {
  /** The chain as a shell would write it. */
  readonly chain: string;
  /** Empty until the stages are started. */
  readonly stages: readonly ObservedStage[];
}

export const pipelineRun = new Traced<PipelineRun>('aiopipe:pipeline.run');
