import { type ChunkSink, type ChunkSource } from './chunks.js';

/** Makes a ReadableStream of a reader. It reads only when a chunk is asked for. `cancel()` closes the reader. */
export function readableStream(reader: ChunkSource): ReadableStream<Uint8Array> {
  const chunks = reader[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done !== true) controller.enqueue(value);
        else {
          reader[Symbol.dispose]();
          controller.close();
        }
      },
      cancel() {
        reader[Symbol.dispose]();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Makes a WritableStream of a writer. Writes wait while the pipe is full; `close()` flushes; `abort()` drops unflushed bytes. */
export function writableStream(writer: ChunkSink): WritableStream<string | ArrayBufferView> {
  return new WritableStream<string | ArrayBufferView>({
    async write(chunk) {
      await writer.write(chunk);
    },
    async close() {
      await writer.close();
    },
    abort() {
      writer.destroy();
    },
  });
}
