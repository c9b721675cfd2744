import { type Duplex, type Readable, type Writable } from 'node:stream';
import { type ChunkSink, type ChunkSource } from './chunks.js';

type Callback = (error?: Error | null) => void;

/** Loaded when it is asked for: a child process that has no such stream would pay for it at its start. */
const nodeStream = () => process.getBuiltinModule('node:stream');

/** The chunks as they come; nothing is read before somebody asks. Destroying it closes the reader. */
export function nodeReadable(reader: ChunkSource): Readable {
  const { Readable } = nodeStream();
  return new Readable({ ...readableMethods(reader), destroy: destroyer(reader) });
}

/** Waits while the pipe is full. Its end flushes and closes the writer; destroying it drops what is not flushed. */
export function nodeWritable(writer: ChunkSink): Writable {
  const { Writable } = nodeStream();
  return new Writable({ ...writableMethods(writer), destroy: destroyer(undefined, writer) });
}

/** Both; the end of the writable half is a half-close. */
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

/** A read that waits fails then, into a stream that no longer listens. */
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
