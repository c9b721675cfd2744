import { readOptions, type ChannelSettings } from './options.js';

/** The data that makes an end again after a move. */
export interface MovedChannel {
  readonly settings: ChannelSettings;
  /** The bytes that were read and not taken yet, and the tables that the decoder needs to go on. */
  readonly ahead?: {
    readonly bytes: Buffer;
    readonly tables: unknown;
    /** Set if the kernel could not deliver descriptors of these bytes: later ones belong to none of the messages. */
    readonly wereLost?: true;
  };
}

/** Throws TypeError for data that no channel can have: another process sent it. */
export function checkMoved(data: MovedChannel, isWriter: boolean, aheadFds: number): MovedChannel {
  const settings = readOptions(data.settings);
  const { ahead } = data;
  if (ahead === undefined || isWriter) {
    // Only a receiver can have read other descriptors, with the bytes of their messages.
    if (aheadFds > 0) throw new TypeError(`a channel with nothing read ahead needs exactly one descriptor`);
    return { settings };
  }
  if (!Buffer.isBuffer(ahead.bytes)) throw new TypeError('the data that a channel had read ahead is not bytes');
  if (ahead.bytes.length === 0 && aheadFds > 0)
    throw new TypeError('descriptors arrived for a channel without the bytes that they belong to');
  return { settings, ahead };
}
