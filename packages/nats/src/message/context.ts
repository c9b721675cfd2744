import { contextVariables, injectContext, readContext, variablesOf, type CarriedContext } from '@aiopipe/core/internal';
import { type MsgHdrs } from '@nats-io/transport-node';
import { HEADER } from '../engine/headers.js';

/** The fields of W3C Trace Context and Baggage, by the variables in which carriers give them to programs. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ['TRACEPARENT', 'traceparent'],
  ['TRACESTATE', 'tracestate'],
  ['BAGGAGE', 'baggage'],
]);

/**
 * Adds the current context to a message, if a carrier has one. The fields of a trace are headers of their own, too, so that other
 * users of NATS can read them.
 */
export function addContext(headers: MsgHdrs): void {
  const context = injectContext();
  if (context !== undefined) headers.set(HEADER.context, encodeURIComponent(JSON.stringify(context)));
  for (const [field, value] of contextVariables(fieldsOf) ?? []) headers.set(field, value);
}

function fieldsOf(env: unknown): [field: string, value: string][] {
  return variablesOf(env).flatMap(([variable, value]): [string, string][] => {
    const field = FIELDS.get(variable);
    // What a header cannot hold would fail the message.
    return field !== undefined && /^[\x20-\x7E]+$/.test(value) ? [[field, value]] : [];
  });
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
