import { diagnosticsChannel } from '@aiopipe/core/internal';

/**
 * What a channel has sent and received since it was made, or moved here, and what waits.
 *
 * @see the example of {@link ChannelEnd}
 */
export interface ChannelStats {
  readonly messagesSent: number;
  /** With the frames' headers. */
  readonly bytesSent: number;
  /** Bytes that were put and that the kernel has not taken yet. */
  readonly bytesWaiting: number;
  readonly messagesReceived: number;
  /** With the frames' headers; also of messages that were read ahead. */
  readonly bytesReceived: number;
  /** Calls of `get()` that wait for a message. */
  readonly getsWaiting: number;
}

/**
 * The part of a channel's end that monitors look at.
 *
 * @see the example of {@link ChannelMessage}
 */
export interface ObservedChannel {
  readonly isClosed: boolean;
  readonly stats: ChannelStats;
}

/**
 * The message of the channels `aiopipe:channel.open` and `aiopipe:channel.close` of `node:diagnostics_channel`: an end of a channel
 * is there, or no longer there: closed, or moved to another process. Only ends whose opening was published are published again.
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * import { channel, type ChannelMessage } from '@aiopipe/codec';
 *
 * subscribe('aiopipe:channel.open', (message) => {
 *   const { name, channel } = message as ChannelMessage;
 *   console.log(name.split(' made ')[0], channel.isClosed, channel.stats.messagesSent);
 * });
 * using pair = channel();
 * ```
 * ```text
 * channel reader false 0
 * channel writer false 0
 * ```
 * ```text
 *
 * ```
 */
export interface ChannelMessage {
  readonly channel: ObservedChannel;
  /** As messages name it: its kind, and the place where it was made. */
  readonly name: string;
}

const opens = diagnosticsChannel('aiopipe:channel.open');
const closes = diagnosticsChannel('aiopipe:channel.close');
let isHidden = false;

/** Makes channels that carry the messages of a layer above: nothing is published about them. @internal */
export function unobserved<Made>(make: () => Made): Made {
  isHidden = true;
  try {
    return make();
  } finally {
    isHidden = false;
  }
}

/** Publishes a new end, if anything subscribes. Returns whether it did: {@link publishClose} is for such ends. */
export function publishOpen(end: ObservedChannel & { readonly name: string }): boolean {
  if (!opens.hasSubscribers || isHidden) return false;
  opens.publish({ channel: end, name: end.name } satisfies ChannelMessage);
  return true;
}

export function publishClose(end: ObservedChannel & { readonly name: string }): void {
  closes.publish({ channel: end, name: end.name } satisfies ChannelMessage);
}
