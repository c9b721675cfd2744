export { popen, Program, type PipedEnd, type PopenOptions } from './popen.js';
export { pipeline, Pipeline, type LinesOptions, type PipelineResult, type RunOptions } from './pipeline.js';
export { AsyncPipe } from './async-pipe.js';
export { type ChainOptions } from './chain.js';
export { type Stage, type StageOptions, type StageResult } from './stage.js';
export { type Input, type InputChunk } from './input.js';
export { type Lines } from './lines.js';
export { type RecordEncoding } from './records.js';
export {
  type ExtraFd,
  type FileSource,
  type FileTarget,
  type StderrOption,
  type StdinOption,
  type StdioOptions,
  type StdoutOption,
} from './stdio.js';
export { type Environment } from './command.js';
export { OutputTooLongError, PipelineError } from './errors.js';
export { type Exit, type ResourceUsage } from '@aiopipe/core/internal';
