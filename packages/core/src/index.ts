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
export { PipeReader, type ReaderOptions } from './reader.js';
export { PipeWriter, type Writable, type WriterOptions } from './writer.js';
export { DuplexStream } from './duplex-stream.js';
export { AsyncFile, type AsyncFileOptions, type ReadLineOptions } from './async-file.js';
export { type AsyncFileFlags, type AsyncFileSource } from './async-file-source.js';
export { type WaitOptions } from './waiting.js';
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
