import type { BatchObservableCallback } from '@opentelemetry/api';
import type { ChannelMessage, ChannelStats, ObservedChannel } from '@aiopipe/codec';
import { Instruments } from './instruments.js';
import { all, listen, type Undo } from '../subscribe.js';

type Counts = Pick<ChannelStats, 'messagesSent' | 'bytesSent' | 'messagesReceived' | 'bytesReceived'>;

const NONE: Counts = { messagesSent: 0, bytesSent: 0, messagesReceived: 0, bytesReceived: 0 };

/** Counts the messages and bytes of all channels of this process. */
export function measureChannels(): Undo {
  const traffic = new Traffic();
  const instruments = new Instruments((meter, onEnd) => {
    const messages = meter.createObservableCounter('aiopipe.channel.messages', {
      description: 'Messages that the channels of this process have sent and received.',
      unit: '{message}',
    });
    const bytes = meter.createObservableCounter('aiopipe.channel.io', {
      description: 'Bytes that the channels of this process have sent and received, with the headers of frames.',
      unit: 'By',
    });
    const observe: BatchObservableCallback = (result) => {
      const { messagesSent, bytesSent, messagesReceived, bytesReceived } = traffic.counts();
      result.observe(messages, messagesSent, { 'network.io.direction': 'transmit' });
      result.observe(messages, messagesReceived, { 'network.io.direction': 'receive' });
      result.observe(bytes, bytesSent, { 'network.io.direction': 'transmit' });
      result.observe(bytes, bytesReceived, { 'network.io.direction': 'receive' });
    };
    meter.addBatchObservableCallback(observe, [messages, bytes]);
    onEnd(() => {
      meter.removeBatchObservableCallback(observe, [messages, bytes]);
    });
  });
  return all(
    listen<ChannelMessage>('aiopipe:channel.open', ({ channel }) => {
      traffic.opened(channel);
      void instruments.current;
    }),
    listen<ChannelMessage>('aiopipe:channel.close', ({ channel }) => {
      traffic.closed(channel);
    }),
    () => {
      instruments.end();
    },
  );
}

/** Adds up what all channels have carried, also those that are closed. The sums never fall. */
class Traffic {
  /** The open channels, with the counts that are part of the sums. Weak: a channel that the program drops is closed by the collector. */
  readonly #open = new Map<WeakRef<ObservedChannel>, Counts>();
  readonly #refs = new WeakMap<ObservedChannel, WeakRef<ObservedChannel>>();
  #sums = NONE;

  opened(channel: ObservedChannel): void {
    const ref = new WeakRef(channel);
    this.#refs.set(channel, ref);
    this.#open.set(ref, NONE);
  }

  closed(channel: ObservedChannel): void {
    const ref = this.#refs.get(channel);
    if (ref === undefined) return;
    this.#count(ref, channel.stats);
    this.#open.delete(ref);
  }

  counts(): Counts {
    for (const ref of this.#open.keys()) {
      const stats = ref.deref()?.stats;
      if (stats === undefined) this.#open.delete(ref);
      else this.#count(ref, stats);
    }
    return this.#sums;
  }

  #count(ref: WeakRef<ObservedChannel>, now: Counts): void {
    const before = this.#open.get(ref) ?? NONE;
    const sums = this.#sums;
    this.#sums = {
      messagesSent: sums.messagesSent + now.messagesSent - before.messagesSent,
      bytesSent: sums.bytesSent + now.bytesSent - before.bytesSent,
      messagesReceived: sums.messagesReceived + now.messagesReceived - before.messagesReceived,
      bytesReceived: sums.bytesReceived + now.bytesReceived - before.bytesReceived,
    };
    this.#open.set(ref, now);
  }
}
