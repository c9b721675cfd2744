/**
 * Programs, and chains of programs joined by the kernel.
 *
 * @module @aiopipe/subprocess
 */

export { popen, type PopenOptions, type StdioOptions, type TerminalEnd } from './program/popen.js';
export { type TerminalOptions } from './terminal/options.js';
export { Program } from './program/program.js';
export { pipeline, Pipeline, type Stage } from './chain/pipeline.js';
export { $, type Word } from './chain/template.js';
export { tee } from './chain/tee.js';
export { inChild } from './chain/in-child.js';
export { AsyncPipe, type EndedCommunication } from './async-pipe.js';
export { type ChainOptions } from './chain/options.js';
export { type LinesOptions, type RunOptions } from './chain/run-options.js';
export { type PipelineResult, type StageResult } from './chain/result.js';
export { type StageOptions } from './chain/program-stage.js';
export { type StageFunction, type StageOutput } from './chain/function-run.js';
export { type Redirects } from './chain/quote-chain.js';
export { type Progress, type StageProgress } from './chain/progress.js';
export { type FilePosition } from './chain/run.js';
export { OutputTooLongError, PipelineError, type EndedChain } from './chain/errors.js';
export { type Lines } from './io/lines.js';
export { type StageInput } from './io/byte-stream.js';
export { type InputChunk } from './io/chunks.js';
export { type Input } from './io/input.js';
export { type OutputOption } from './io/sink.js';
export { type RecordEncoding, type RecordOptions } from './io/record-options.js';
export {
  type Environment,
  type Exit,
  type ExtraFd,
  type FileSource,
  type FileTarget,
  type PipedEnd,
  type ResourceUsage,
  type StderrOption,
  type StdinOption,
  type StdoutOption,
  type StopOptions,
  type TerminalSize,
} from '@aiopipe/core';
export { type ObservedStage, type PipelineRun } from './chain/events.js';
