import { type Writable } from './writable.js';

/** What streams of other kinds need of a reader. */
export interface ChunkSource extends Disposable {
  [Symbol.asyncIterator](): AsyncIterator<Buffer, void>;
}

/** What streams of other kinds need of a writer. */
export interface ChunkSink {
  write(data: Writable): Promise<void>;
  close(): Promise<void>;
  destroy(): void;
}
