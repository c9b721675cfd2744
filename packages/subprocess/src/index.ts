export { popen, type PipedEnd, type PopenOptions, type StdioOptions } from './program/popen.js';
export { Program } from './program/program.js';
export { pipeline, Pipeline, type LinesOptions, type PipelineResult, type RunOptions } from './chain/pipeline.js';
export { $, type Word } from './chain/template.js';
export { tee } from './chain/tee.js';
export { inChild } from './chain/in-child.js';
export { AsyncPipe, type EndedCommunication } from './async-pipe.js';
export { type ChainOptions } from './chain/options.js';
export { type Stage, type StageOptions, type StageResult } from './chain/stage.js';
export { type Lines } from './io/lines.js';
export { type StageFunction, type StageOutput } from './chain/function-run.js';
export { type StageInput } from './io/inlet.js';
export { type InputChunk } from './io/chunks.js';
export { type Input } from './io/input.js';
export { type OutputOption } from './io/target.js';
export { type Redirects } from './chain/quote-chain.js';
export { type Progress, type StageProgress } from './chain/progress.js';
export { type RecordEncoding, type RecordOptions } from './io/record-options.js';
export { OutputTooLongError, PipelineError, type EndedChain } from './chain/errors.js';
export {
  type Environment,
  type Exit,
  type ExtraFd,
  type FileSource,
  type FileTarget,
  type ResourceUsage,
  type StderrOption,
  type StdinOption,
  type StdoutOption,
  type StopOptions,
} from '@aiopipe/core';
