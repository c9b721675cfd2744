import { entryFor } from './registry.js';

/** Thrown inside the encoder where a value can't be sent; what the user gets is made from it and from the way to it. */
export class Refusal {
  constructor(
    readonly reason: string,
    /** The value that can't be sent. */
    readonly culprit: unknown,
    readonly cause?: unknown,
  ) {}
}

/** Thrown inside the encoder around an error that the user gets as it is. */
export class Passing {
  constructor(readonly error: unknown) {}
}

/** A culprit that isn't known: reading it threw. */
export const UNREADABLE = Symbol('unreadable');

const SHOWN = 16;

/**
 * The way from the message's root to what can't be sent, as an expression. The encoder keeps only the containers that
 * it is inside of, which costs the messages that can be sent next to nothing; here each is searched for the next.
 *
 * @param ancestors the containers, from the root down
 * @param culprit what the last of them holds
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
    // It can't even be looked at: a revoked Proxy, say.
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

/** What isn't among an object's properties: a registered class's reduced form, or what a getter made anew. */
function stepUnseen(container: object, target: unknown): string {
  if (target === UNREADABLE) return '';
  return entryFor(Object.getPrototypeOf(container) as object | null) === undefined ? '[?]' : '.reduce()';
}

function show(key: unknown): string {
  return typeof key === 'string' ? JSON.stringify(key) : typeof key === 'bigint' ? `${String(key)}n` : String(key);
}
