export {
  aiopipe,
  aioduplex,
  ReadEnd,
  WriteEnd,
  DuplexEnd,
  DetachedEnd,
  type EndState,
  type PipeOptions,
  type DuplexOptions,
} from './end.js';
export { PipeReader } from './reader.js';
export { type ReaderOptions } from './reader-options.js';
export { type Writable } from './writable.js';
export { PipeWriter } from './writer.js';
export { type WriterOptions } from './writer-options.js';
export { DuplexStream } from './duplex-stream.js';
export { AsyncFile, type AsyncFileOptions, type ReadLineOptions } from './async-file.js';
export { type AsyncFileFlags, type AsyncFileSource } from './async-file-source.js';
export { type WaitOptions } from './waiting.js';
export { type SignalName } from './signals.js';
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
