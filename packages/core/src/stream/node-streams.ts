import { type Duplex, type Readable, type Writable } from 'node:stream';
import { type ChunkSink, type ChunkSource } from './chunks.js';

type Callback = (error?: Error | null) => void;

/** Loaded on first use: the start of a child process should not pay for it. */
const nodeStream = () => process.getBuiltinModule('node:stream');

/** Makes a Readable of a reader. It reads only when a chunk is asked for. `destroy()` closes the reader. */
export function nodeReadable(reader: ChunkSource): Readable {
  const { Readable } = nodeStream();
  return new Readable({ ...readableMethods(reader), destroy: destroyer(reader) });
}

/** Makes a Writable of a writer. Writes wait while the pipe is full; `end()` flushes and closes; `destroy()` drops unflushed bytes. */
export function nodeWritable(writer: ChunkSink): Writable {
  const { Writable } = nodeStream();
  return new Writable({ ...writableMethods(writer), destroy: destroyer(undefined, writer) });
}

/** Makes a Duplex of both. The end of its writable half is a half-close. */
export function nodeDuplex(reader: ChunkSource, writer: ChunkSink): Duplex {
  const { Duplex } = nodeStream();
  return new Duplex({ ...readableMethods(reader), ...writableMethods(writer), destroy: destroyer(reader, writer) });
}

function readableMethods(reader: ChunkSource) {
  const chunks = reader[Symbol.asyncIterator]();
  return {
    read(this: Readable) {
      chunks.next().then(
        ({ done, value }) => this.push(done === true ? null : value),
        (error: unknown) => this.destroy(error as Error),
      );
    },
  };
}

function writableMethods(writer: ChunkSink) {
  return {
    decodeStrings: true,
    write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback) {
      settle(writer.write(chunk), callback);
    },
    final(callback: Callback) {
      settle(writer.close(), callback);
    },
  };
}

/** A read that waits rejects then; the stream ignores it, because it is destroyed. */
function destroyer(reader?: ChunkSource, writer?: ChunkSink) {
  return (error: Error | null, callback: Callback): void => {
    reader?.[Symbol.dispose]();
    writer?.destroy();
    callback(error);
  };
}

function settle(promise: Promise<void>, callback: Callback): void {
  promise.then(() => {
    callback();
  }, callback);
}
