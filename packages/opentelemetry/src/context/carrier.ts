import { context, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import { addContextCarrier } from '@aiopipe/core';
import { variableName } from './variable-name.js';
import { type Undo } from '../subscribe.js';

type Fields = Record<string, string>;

/**
 * Takes the active context to other processes: the fields that the SDK's propagator writes, by default W3C's `traceparent`,
 * `tracestate` and `baggage`.
 */
export function addCarrier(): Undo {
  const added = addContextCarrier({
    name: 'opentelemetry',
    inject: () => {
      const fields = currentFields();
      return Object.keys(fields).length === 0 ? undefined : JSON.stringify(fields);
    },
    extract: (carried, run) => {
      const fields = readFields(carried);
      if (fields === undefined) run();
      // The peer's context alone: the code that reads its message may run in that of another call.
      else context.with(propagation.extract(ROOT_CONTEXT, fields), run);
    },
    env: () =>
      Object.fromEntries(Object.entries(currentFields()).map(([field, value]) => [variableName(field), value])),
  });
  return () => {
    added[Symbol.dispose]();
  };
}

function currentFields(): Fields {
  const fields: Fields = {};
  propagation.inject(context.active(), fields);
  return fields;
}

/** Returns what a peer has sent, if it is fields of a propagator; undefined otherwise. */
function readFields(carried: string): Fields | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(carried);
  } catch {
    return undefined;
  }
  if (typeof fields !== 'object' || fields === null) return undefined;
  return Object.values(fields).every((value) => typeof value === 'string') ? (fields as Fields) : undefined;
}
