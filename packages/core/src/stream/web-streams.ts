import { type ChunkSink, type ChunkSource } from './chunks.js';

/**
 * Makes a ReadableStream of a reader. It reads only when a chunk is asked for. `cancel()` closes the reader; so does a failed read: a stream
 * that has failed does not call its source any more.
 */
export function readableStream(reader: ChunkSource): ReadableStream<Uint8Array> {
  const chunks = reader[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await chunks.next();
          if (done !== true) {
            controller.enqueue(value);
            return;
          }
        } catch (error) {
          reader[Symbol.dispose]();
          throw error;
        }
        reader[Symbol.dispose]();
        controller.close();
      },
      cancel() {
        reader[Symbol.dispose]();
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * Makes a WritableStream of a writer. Writes wait while the pipe is full; `close()` flushes; `abort()` drops unflushed bytes, and so does a
 * failed write: a stream that has failed does not call its sink any more.
 */
export function writableStream(writer: ChunkSink): WritableStream<string | ArrayBufferView> {
  return new WritableStream<string | ArrayBufferView>({
    async write(chunk) {
      try {
        await writer.write(chunk);
      } catch (error) {
        writer.destroy();
        throw error;
      }
    },
    async close() {
      await writer.close();
    },
    abort() {
      writer.destroy();
    },
  });
}
