import { merge as mergeChannels, type MergeOptions, type Receiving } from '@aiopipe/codec';
import { type ClusterReader } from './reader.js';

/**
 * Iterates over the messages of many readers, one of each in turn, until all of them have ended: `merge()` of `@aiopipe/codec`,
 * for readers of a cluster. Each message is acknowledged when its reader is asked for the next one.
 *
 * @example
 * ```ts
 * import { Cluster, merge } from '@aiopipe/nats';
 * import { connect } from '@nats-io/transport-node';
 *
 * const nc = await connect({ servers: 'nats://127.0.0.1:4222' });
 * const cluster = await Cluster.open(nc, { name: 'logs' });
 * for (const name of ['errors', 'notes']) {
 *   const writer = cluster.writer<string>(name);
 *   await writer.put(`one of ${name}`);
 *   await writer.end();
 * }
 * const readers = [cluster.reader<string>('errors'), cluster.reader<string>('notes')];
 * const lines: string[] = [];
 * for await (const line of merge(readers)) lines.push(line);
 * console.log(lines.sort());
 * await cluster[Symbol.asyncDispose]();
 * await nc.close();
 * ```
 * ```text
 * [ 'one of errors', 'one of notes' ]
 * ```
 */
export function merge<Message>(
  readers: Iterable<ClusterReader<Message>>,
  options?: MergeOptions,
): AsyncIterableIterator<Message> {
  // It takes a channel by what it can do, not by its class.
  const channels = readers as Iterable<unknown> as Iterable<Receiving>;
  return mergeChannels(channels, options) as AsyncIterableIterator<unknown> as AsyncIterableIterator<Message>;
}
