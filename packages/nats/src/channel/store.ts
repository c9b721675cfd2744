import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { codeOf, type Engine } from '../engine/engine.js';
import { serverAge, serverCount, serverTime } from '../engine/server-numbers.js';
import { type Keeping } from '../message/bodies.js';
import { type ChannelSettings, type ReaderSettings } from './options.js';
import { tokenOf } from '../names.js';

/** Milliseconds. */
export const TOPIC_AGE = 3_600_000;
/** Milliseconds for which the server knows the ids of messages, and drops a second one of the same id. */
export const DUPLICATES = 120_000;
/** How many requests of readers may wait at the server. Its default, 512, is few for a hundred machines. */
export const MAX_WAITING = 16_384;

/** Where a channel is kept. */
export interface Place {
  readonly stream: string;
  readonly subject: string;
  /** The channel in messages: `the queue jobs`. */
  readonly what: string;
}

/**
 * Creates the stream of a channel, if it is not there. Settings that were not given may be any. Resolves with the time of its
 * creation, as the server wrote it.
 */
export async function ensureChannel(
  engine: Engine,
  { stream, subject, what }: Place,
  { kind, queueLimit, maxAge }: ChannelSettings,
  { replicas, storage }: Keeping,
): Promise<string> {
  const isQueue = kind === 'queue';
  const fixed = {
    name: stream,
    subjects: [subject],
    retention: isQueue ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    storage: storage === 'file' ? StorageType.File : StorageType.Memory,
    num_replicas: replicas,
    discard: isQueue ? DiscardPolicy.New : DiscardPolicy.Old,
  };
  const given = {
    ...(queueLimit !== undefined && { max_msgs: serverCount(queueLimit) }),
    ...(maxAge !== undefined && { max_age: serverAge(maxAge) }),
  };
  const defaults = {
    duplicate_window: serverTime(duplicatesOf(kind, maxAge)),
    ...(!isQueue && { max_age: serverAge(TOPIC_AGE) }),
  };
  return engine.ensureStream({ ...fixed, ...given }, what, { ...defaults, ...given });
}

/**
 * Returns a function that creates the channel and the consumer of a reader, if they are not there, and resolves with whether the
 * channel is another one than at the call before, because the server has lost that. Then the reader begins with its first message.
 * `after` is the last message that the reader has seen.
 */
export function keptReader(
  engine: Engine,
  place: Place,
  settings: ReaderSettings,
  keeping: Keeping,
  consumer: { readonly name: string; readonly lease: number },
): (after: number) => Promise<boolean> {
  let created: string | undefined;
  const ensure = async (after: number, before: string | undefined): Promise<boolean> => {
    const found = await ensureChannel(engine, place, settings, keeping);
    const isOther = before !== undefined && before !== found;
    try {
      if (isOther) await ensureReader(engine, place, { ...settings, from: 'first' }, { ...consumer, after: 0 });
      else await ensureReader(engine, place, settings, { ...consumer, after });
    } catch (error) {
      if (codeOf((error as Error).cause) !== JetStreamApiCodes.StreamNotFound) throw error;
      // The server has started again meanwhile, and has lost the channel: it was in memory.
      return ensure(after, found);
    }
    created = found;
    return isOther;
  };
  return (after) => ensure(after, created);
}

/** The window must not be longer than the age of the messages. */
function duplicatesOf(kind: 'queue' | 'topic', maxAge: number | undefined): number {
  return kind === 'queue' ? DUPLICATES : Math.min(DUPLICATES, maxAge ?? TOPIC_AGE);
}

/** The consumer of a reader. */
interface ReaderPlace {
  readonly lease: number;
  readonly name: string;
  /** The last message that the reader has seen. */
  readonly after: number;
}

/** The consumer that all readers of a queue share. */
const QUEUE_CONSUMER = 'readers';

/** Creates the consumer of a reader, if it is not there, and returns its name. `after` is the last message that it has seen. */
async function ensureReader(
  engine: Engine,
  { stream, what }: Place,
  { kind, ordered, from, durable }: ReaderSettings,
  options: ReaderPlace,
): Promise<void> {
  const shared = {
    ack_policy: AckPolicy.Explicit,
    ack_wait: serverTime(options.lease),
    max_ack_pending: ordered ? 1 : 100_000,
    max_waiting: MAX_WAITING,
  };
  const readers = `the readers of ${what}`;
  if (kind === 'queue' || durable !== undefined) {
    const deliver = kind === 'queue' || from === 'first' ? DeliverPolicy.All : DeliverPolicy.New;
    await engine.ensureConsumer(stream, { durable_name: options.name, deliver_policy: deliver, ...shared }, readers);
    return;
  }
  // The server forgets it some time after its reader is gone.
  const start =
    options.after > 0
      ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: options.after + 1 }
      : { deliver_policy: from === 'first' ? DeliverPolicy.All : DeliverPolicy.New };
  await engine.ensureConsumer(stream, { durable_name: options.name, ...shared }, readers, {
    inactive_threshold: serverTime(INACTIVE),
    ...start,
  });
}

/** Milliseconds after which the server forgets a topic's reader that was not heard. */
const INACTIVE = 300_000;

/** The name of a reader's consumer. */
export function consumerName({ kind, durable }: ReaderSettings, id: string): string {
  if (kind === 'queue') return QUEUE_CONSUMER;
  return durable === undefined ? `reader-${id}` : `durable-${tokenOf(durable)}`;
}
