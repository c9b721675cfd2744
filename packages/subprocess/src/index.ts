export { popen, Program, type PipedEnd, type PopenOptions } from './popen.js';
export { pipeline, Pipeline, type LinesOptions, type PipelineResult, type RunOptions } from './pipeline.js';
export { $, type Word } from './template.js';
export { tee } from './tee.js';
export { inChild } from './in-child.js';
export { AsyncPipe } from './async-pipe.js';
export { type ChainOptions } from './chain-options.js';
export { type Stage, type StageOptions, type StageResult } from './stage.js';
export { type Lines } from './lines.js';
export { type StageFunction, type StageOutput } from './function-run.js';
export { type StageInput } from './inlet.js';
export { type InputChunk } from './chunks.js';
export { type Input } from './input.js';
export { type OutputOption } from './target.js';
export { type Redirects } from './quote-chain.js';
export { type Progress, type StageProgress } from './progress.js';
export { type RecordEncoding, type RecordOptions } from './record-options.js';
export {
  type ExtraFd,
  type FileSource,
  type FileTarget,
  type StderrOption,
  type StdinOption,
  type StdioOptions,
  type StdoutOption,
} from './stdio.js';
export { OutputTooLongError, PipelineError, type EndedChain } from './errors.js';
export { type Environment, type Exit, type ResourceUsage } from '@aiopipe/core/internal';
