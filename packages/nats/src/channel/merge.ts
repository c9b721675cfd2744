import { merge as mergeChannels, type MergeOptions, type Receiving } from '@aiopipe/codec';
import { type ClusterReader } from './reader.js';

/**
 * Iterates over the messages of many readers, one of each in turn, until all of them have ended: `merge()` of `@aiopipe/codec`,
 * for readers of a cluster. Each message is acknowledged when its reader is asked for the next one.
 */
export function merge<Message>(
  readers: Iterable<ClusterReader<Message>>,
  options?: MergeOptions,
): AsyncIterableIterator<Message> {
  // It takes a channel by what it can do, not by its class.
  const channels = readers as Iterable<unknown> as Iterable<Receiving>;
  return mergeChannels(channels, options) as AsyncIterableIterator<unknown> as AsyncIterableIterator<Message>;
}
