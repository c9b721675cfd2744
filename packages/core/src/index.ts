/**
 * Pipe ends with one owner, and streams over them.
 *
 * @module @aiopipe/core
 */

export { aiopipe, aioduplex, type PipeOptions, type DuplexOptions } from './end/pipe.js';
export { ReadEnd, WriteEnd, DuplexEnd } from './end/ends.js';
export { DetachedEnd } from './end/detached-end.js';
export { type End, type EndState } from './end/end.js';
export { PipeReader } from './stream/reader.js';
export { type ReaderOptions } from './stream/reader-options.js';
export { type Writable } from './stream/writable.js';
export { PipeWriter } from './stream/writer.js';
export { type WriterOptions } from './stream/writer-options.js';
export { DuplexStream } from './stream/duplex-stream.js';
export { sharedMemory } from './memory/create.js';
export { SharedMemory, type MemoryState, type ShareOptions } from './memory/shared-memory.js';
export { AsyncFile, type AsyncFileOptions, type ReadLineOptions } from './file/async-file.js';
export { type AsyncFileSource } from './file/async-file-source.js';
export { type AsyncFileFlags } from './file/open-path.js';
export { type WaitOptions } from './wait/pending.js';
export { type SignalName } from './program/signals.js';
export { type Environment } from './program/environment.js';
export { type CgroupOptions, type Limits } from './program/limits.js';
export { addContextCarrier, type ContextCarrier } from './observe/carriers.js';
export { type TracedMessage } from './observe/traced.js';
export { type Exit, type ResourceUsage } from './program/exit.js';
export {
  type ObservedProcess,
  type ProcessExitMessage,
  type ProcessKind,
  type ProcessStart,
} from './program/process-events.js';
export { type StopOptions } from './program/stop.js';
export { type TerminalSize } from './program/terminal.js';
export {
  type ExtraFd,
  type FileSource,
  type FileTarget,
  type PipedEnd,
  type StderrOption,
  type StdinOption,
  type StdoutOption,
} from './program/stdio.js';
export {
  AbortError,
  AiopipeError,
  BrokenPipeError,
  BusyError,
  ClosedError,
  IncompleteReadError,
  LineTooLongError,
  MovedError,
  SystemError,
  TimeoutError,
  type AiopipeErrorOptions,
} from './errors.js';
