import { contextVariables, injectContext, readContext, variablesOf, type CarriedContext } from '@aiopipe/core/internal';
import { type MsgHdrs } from '@nats-io/transport-node';
import { HEADER } from '../engine/headers.js';

/** The fields of W3C Trace Context and Baggage, by the variables in which carriers give them to programs. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ['TRACEPARENT', 'traceparent'],
  ['TRACESTATE', 'tracestate'],
  ['BAGGAGE', 'baggage'],
]);

const NAMES: ReadonlySet<string> = new Set(FIELDS.values());

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

/** The name of the carrier that takes the fields of a trace, as JSON: that of `@aiopipe/opentelemetry`. */
const TRACE_CARRIER = 'opentelemetry';
/** Bytes of a field that are taken: those that W3C Baggage asks for. */
const LONGEST_FIELD = 8192;

/**
 * Returns the context of a message, if it has one that can be read. Another user of NATS, who knows nothing of us, may have sent
 * the fields of a trace as plain headers.
 */
export function contextOf(headers: MsgHdrs | undefined): CarriedContext | undefined {
  if (headers === undefined) return undefined;
  const context = ownContext(headers.get(HEADER.context));
  if (context !== undefined && Object.hasOwn(context, TRACE_CARRIER)) return context;
  const fields = traceFields(headers);
  return fields === undefined ? context : { ...context, [TRACE_CARRIER]: JSON.stringify(fields) };
}

function ownContext(header: string): CarriedContext | undefined {
  if (header === '') return undefined;
  try {
    return readContext(JSON.parse(decodeURIComponent(header)));
  } catch {
    return undefined;
  }
}

/** Clients of other languages write the names of headers in their own way: `Traceparent`. */
function traceFields(headers: MsgHdrs): Record<string, string> | undefined {
  let found: Record<string, string> | undefined;
  for (const name of headers.keys()) {
    const field = name.toLowerCase();
    const value = headers.get(name);
    if (NAMES.has(field) && value.length <= LONGEST_FIELD) (found ??= {})[field] = value;
  }
  return found;
}
