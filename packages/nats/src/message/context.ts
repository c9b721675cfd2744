import { injectContext, readContext, type CarriedContext } from '@aiopipe/core/internal';
import { type MsgHdrs } from '@nats-io/transport-node';
import { HEADER } from '../engine/headers.js';

/** Adds the current context to a message, if a carrier has one. */
export function addContext(headers: MsgHdrs): void {
  const context = injectContext();
  if (context !== undefined) headers.set(HEADER.context, encodeURIComponent(JSON.stringify(context)));
}

/** Returns the context of a message, if it has one that can be read. */
export function contextOf(header: string | undefined): CarriedContext | undefined {
  if (header === undefined) return undefined;
  try {
    return readContext(JSON.parse(decodeURIComponent(header)));
  } catch {
    return undefined;
  }
}
