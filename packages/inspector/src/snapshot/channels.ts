import type { ObservedChannel } from '@aiopipe/codec';
import { type ChannelNotes } from '../watch/channels.js';
import { type WeakList } from '../watch/weak-list.js';
import { type ChannelSnapshot } from './types.js';

export function snapshotChannels(list: WeakList<ObservedChannel, ChannelNotes>): ChannelSnapshot[] {
  return [...list].map(({ item, notes }) => ({ ...notes, ...item.stats }));
}
