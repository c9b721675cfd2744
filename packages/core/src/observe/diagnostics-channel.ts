import { channel } from 'node:diagnostics_channel';

/** Returns the channel of a name on which monitors hear of us. Not to be confused with a channel for messages. */
export const diagnosticsChannel = channel;
