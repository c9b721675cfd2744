import { entryFor } from './registry.js';

/** Thrown inside the encoder if a value cannot be sent. The user's error is made from it and the path to the value. */
export class Refusal {
  constructor(
    readonly reason: string,
    /** The value that cannot be sent. */
    readonly culprit: unknown,
    readonly cause?: unknown,
  ) {}
}

/** Thrown inside the encoder around an error that the user gets unchanged. */
export class Passing {
  constructor(readonly error: unknown) {}
}

/** The culprit if it is unknown, because reading it threw. */
export const UNREADABLE = Symbol('unreadable');

const SHOWN = 16;

/**
 * Returns the path from the message's root to the value that cannot be sent, as an expression. The encoder keeps only
 * the current containers, which costs almost nothing. Here each container is searched for the next one.
 *
 * @param ancestors the containers, from the root down
 * @param culprit the value in the last of them
 */
export function describePath(ancestors: readonly object[], culprit: unknown): string {
  const chain: unknown[] = [...ancestors];
  if (chain[chain.length - 1] !== culprit) chain.push(culprit);
  const steps: string[] = [];
  for (let i = 0; i + 1 < chain.length; i++) {
    const hidden = chain.length - 1 - 2 * SHOWN;
    if (hidden > 0 && i === SHOWN) {
      steps.push(`…(${String(hidden)} more)…`);
      i += hidden;
    }
    steps.push(stepTo(chain[i] as object, chain[i + 1]));
  }
  return `value${steps.join('')}`;
}

function stepTo(container: object, target: unknown): string {
  try {
    return stepInCollection(container, target) ?? stepToProperty(container, target) ?? stepUnseen(container, target);
  } catch {
    // The value cannot be inspected: a revoked Proxy, say.
    return '';
  }
}

function stepInCollection(container: object, target: unknown): string | undefined {
  let i = 0;
  if (container instanceof Map) {
    for (const [key, value] of container as Map<unknown, unknown>) {
      if (Object.is(key, target)) return `.keys()[${String(i)}]`;
      if (Object.is(value, target)) return typeof key === 'object' ? `.values()[${String(i)}]` : `.get(${show(key)})`;
      i++;
    }
  } else if (container instanceof Set) {
    for (const member of container as Set<unknown>) {
      if (Object.is(member, target)) return `.values()[${String(i)}]`;
      i++;
    }
  } else if (container instanceof Error) {
    for (const key of ['cause', 'errors', 'message', 'stack'] as const) {
      if (Object.hasOwn(container, key) && Object.is((container as AggregateError)[key], target)) return `.${key}`;
    }
  } else if (ArrayBuffer.isView(container)) {
    return '.buffer';
  }
  return undefined;
}

function stepToProperty(container: object, target: unknown): string | undefined {
  for (const key of Object.keys(container)) {
    let value: unknown;
    try {
      value = (container as Record<string, unknown>)[key];
    } catch {
      value = UNREADABLE;
    }
    if (Object.is(value, target)) return propertyStep(container, key);
  }
  return undefined;
}

function propertyStep(container: object, key: string): string {
  if (Array.isArray(container) && /^\d+$/.test(key)) return `[${key}]`;
  // As a literal V8 would check it, half a millisecond long, in every process that loads this.
  return new RegExp('^[\\p{ID_Start}$_][\\p{ID_Continue}$]*$', 'u').test(key) ? `.${key}` : `[${show(key)}]`;
}

/** A value that is not among an object's properties: the reduced form of an instance, or a new result of a getter. */
function stepUnseen(container: object, target: unknown): string {
  if (target === UNREADABLE) return '';
  return entryFor(Object.getPrototypeOf(container) as object | null) === undefined ? '[?]' : '.reduce()';
}

function show(key: unknown): string {
  return typeof key === 'string' ? JSON.stringify(key) : typeof key === 'bigint' ? `${String(key)}n` : String(key);
}
