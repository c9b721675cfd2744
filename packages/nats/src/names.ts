import { createHash } from 'node:crypto';
import { checkName, show } from '@aiopipe/core/internal';

/**
 * Returns a name as one token of a subject, which is also allowed in the name of a stream or consumer: `thumbs/hash` becomes
 * `thumbs=2Fhash`.
 */
export function tokenOf(name: string): string {
  return encodeURIComponent(name).replaceAll(
    /[^A-Za-z0-9_-]/g,
    (character) => `=${character === '%' ? '' : character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The longest name, in bytes of its token. Names of streams are names of folders on the server. */
const LONGEST = 180;

/** Throws a TypeError unless `value` can name a cluster, a channel, a target or a version. */
export function checkToken(what: string, value: unknown): asserts value is string {
  checkName(what, value);
  if (/\p{Surrogate}/u.test(value))
    throw new TypeError(`${what}: ${show(value)} has half of a character (a lone surrogate)`);
  const { length } = tokenOf(value);
  if (length <= LONGEST) return;
  throw new TypeError(
    `${what}: expected at most ${String(LONGEST)} bytes, not ${String(length)}; ` +
      'each character but A-Z, a-z, 0-9, _ and - takes 3 bytes or more',
  );
}

/** Hexadecimal digits of the hash that tells names of buckets apart. */
const HASH = 12;

/** The Object Store allows no `=` in the name of a bucket. */
function bucketToken(token: string): string {
  if (!token.includes('=')) return token;
  return `${token.replaceAll('=', '-')}-${createHash('sha256').update(token).digest('hex').slice(0, HASH)}`;
}

/** Bytes of a text of the user's in a header. The server takes 64 KiB of headers. */
const LONGEST_HEADER = 16_384;

/**
 * Throws a TypeError if a text, as the header has it, is too long for a message.
 *
 * @param hint - ends the message
 */
export function checkHeader(what: string, header: string, hint = ''): void {
  const length = Buffer.byteLength(header);
  if (length <= LONGEST_HEADER) return;
  throw new TypeError(
    `${what}: expected at most ${String(LONGEST_HEADER)} bytes in a message, not ${String(length)}${hint}`,
  );
}

/** Whether another process may have checked the name by {@link checkToken}. */
export function isToken(value: unknown): value is string {
  try {
    checkToken('name', value);
    return true;
  } catch {
    return false;
  }
}

/** Tasks of a priority above 0 are `first`: a machine takes a normal task only if none of these waits. */
export const LANES = ['first', 'normal'] as const;
export type Lane = (typeof LANES)[number];

/** The subjects, streams and buckets of one cluster. */
export class Names {
  /** The name of the cluster. */
  readonly cluster: string;
  readonly #token: string;

  constructor(cluster: string) {
    this.cluster = cluster;
    this.#token = tokenOf(cluster);
  }

  /** The stream of all tasks. */
  get tasks(): string {
    return `aiopipe_${this.#token}_tasks`;
  }

  get tasksSubject(): string {
    return `aiopipe.${this.#token}.tasks.>`;
  }

  /** The stream that says which tasks with `retries: 0` were begun. */
  get claims(): string {
    return `aiopipe_${this.#token}_claims`;
  }

  get claimsSubject(): string {
    return `aiopipe.${this.#token}.claims.*`;
  }

  /** The bucket of messages that are longer than the server's `max_payload`. */
  get large(): string {
    return `aiopipe_${bucketToken(this.#token)}_large`;
  }

  /** The subject on which callers ask all machines. */
  get machines(): string {
    return `aiopipe.${this.#token}.machines`;
  }

  /** The subject on which a machine asks all callers which targets they want. */
  get callers(): string {
    return `aiopipe.${this.#token}.callers`;
  }

  claim(id: string): string {
    return `aiopipe.${this.#token}.claims.${id}`;
  }

  task(target: string, version: string, lane: Lane): string {
    return `aiopipe.${this.#token}.tasks.${tokenOf(target)}.${tokenOf(version)}.${lane}`;
  }

  taskConsumer(target: string, version: string, lane: Lane): string {
    return `${tokenOf(target)}-${tokenOf(version)}-${lane}`;
  }

  /** The bucket of a topic's long messages: they stay as long as the topic keeps its messages. */
  largeOfTopic(name: string): string {
    return `${this.large}_${bucketToken(tokenOf(name))}`;
  }

  channel(kind: 'queue' | 'topic', name: string): { stream: string; subject: string; what: string } {
    const token = tokenOf(name);
    return {
      what: `the ${kind} ${name}`,
      stream: `aiopipe_${this.#token}_${kind}_${token}`,
      subject: `aiopipe.${this.#token}.${kind}.${token}`,
    };
  }
}
