import { now } from '@aiopipe/core/internal';
import { type MsgHdrs } from '@nats-io/transport-node';
import { type Engine } from '../engine/engine.js';
import { HEADER } from '../engine/headers.js';

/** Milliseconds for the peer's confirmation, before a message is sent again. */
const CONFIRMATION = 2000;
/** Milliseconds before a message is sent again: the first time, and at most. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2000;

/** What became of a message: the peer has it, the peer does not want it any more, or nothing was heard of the peer. */
export type Receipt = 'taken' | 'unwanted' | 'lost';

/**
 * Sends a message to an inbox until the peer has confirmed it, for at most `limit` milliseconds. The message may arrive more than
 * once.
 */
export async function deliver(
  engine: Engine,
  subject: string,
  data: Uint8Array,
  headers: MsgHdrs,
  limit: number,
): Promise<Receipt> {
  const end = now() + limit;
  for (let pause = FIRST_PAUSE; !engine.isClosed; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      const confirmation = await engine.nc.request(subject, data, { timeout: CONFIRMATION, headers });
      return confirmation.headers?.has(HEADER.gone) === true ? 'unwanted' : 'taken';
    } catch {
      // No peer, or no answer: the connection of either side may be cut.
      if (now() >= end) return 'lost';
    }
    await engine.pause(pause);
  }
  return 'lost';
}
