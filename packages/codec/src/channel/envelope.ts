import { injectContext, readContext, type CarriedContext } from '@aiopipe/core/internal';
import { DecodeError } from '../errors.js';

/** A message of a channel with `context: true`, as the codec gets it. */
export type Envelope = readonly [message: unknown, context?: CarriedContext];

/** Puts a message into an envelope, with the current context if there is one. */
export function enclose(message: unknown): Envelope {
  const context = injectContext();
  return context === undefined ? [message] : [message, context];
}

/** Returns what a peer has sent, if it is an envelope; throws DecodeError otherwise. */
export function readEnvelope(value: unknown): Envelope {
  const isOne =
    Array.isArray(value) && (value.length === 1 || (value.length === 2 && readContext(value[1]) !== undefined));
  if (isOne) return value as readonly unknown[] as Envelope;
  throw new DecodeError(
    'a message came from an end without context: true, which this end has; give both ends the same option `context`',
    { fatal: false },
  );
}
