import { type Writable } from './writable.js';

/** The part of a reader that streams of other kinds need. */
export interface ChunkSource extends Disposable {
  [Symbol.asyncIterator](): AsyncIterator<Buffer, void>;
}

/** The part of a writer that streams of other kinds need. */
export interface ChunkSink {
  write(data: Writable): Promise<void>;
  close(): Promise<void>;
  destroy(): void;
}
