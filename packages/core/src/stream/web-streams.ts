import { type ChunkSink, type ChunkSource } from './chunks.js';

/** The chunks as they come; nothing is read before somebody asks. Cancelling closes the reader. */
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

/** Waits while the pipe is full. Closing flushes and closes the writer; aborting drops what is not flushed. */
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
