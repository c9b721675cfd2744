import type { ChannelMessage, ObservedChannel } from '@aiopipe/codec';
import { hear } from './subscribe.js';
import { WeakList } from './weak-list.js';

/** What is noted about an end of a channel. */
export interface ChannelNotes {
  readonly number: number;
  /** Its kind, and the place where it was made. */
  readonly name: string;
  readonly openedAt: number;
}

/** The ends of channels that are open in this process. */
export class Channels {
  readonly list = new WeakList<ObservedChannel, ChannelNotes>();

  constructor() {
    hear<ChannelMessage>('aiopipe:channel.open', ({ channel, name }) => {
      this.list.add(channel, (number) => ({ number, name, openedAt: Date.now() }));
    });
    hear<ChannelMessage>('aiopipe:channel.close', ({ channel }) => {
      this.list.delete(channel);
    });
  }
}
