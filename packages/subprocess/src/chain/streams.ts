import { Readable } from 'node:stream';
import { type Chain } from './chain.js';

/** Nothing is started or read before the stream is read. Cancelling ends the chain. */
export function webStream(chain: Chain): ReadableStream<Uint8Array> {
  const chunks = chain.iterate(() => chain.chunks());
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await chunks.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      async cancel() {
        await chunks.return();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Nothing is started or read before the stream is read. Destroying ends the chain. */
export function nodeStream(chain: Chain): Readable {
  const chunks = chain.iterate(() => chain.chunks());
  let stopped: { readonly reason: unknown } | undefined;
  const stream = new Readable({
    read() {
      chunks.next().then(
        ({ done, value }) => this.push(done === true ? null : value),
        (error: unknown) => this.destroy(error as Error),
      );
    },
    destroy(error, callback) {
      chunks.return().then(() => {
        callback(stopped === undefined ? error : (chain.explain(stopped.reason) as Error));
      }, callback);
    },
  });
  // At once: what the stream has read ahead must not come any more.
  chain.onStop((reason) => {
    stopped = { reason };
    stream.destroy();
  });
  return stream;
}
