import { type DecodeLimits } from '@aiopipe/codec';
import { checkCount, checkFlag, checkInterval, checkOptions, optionNames, show } from '@aiopipe/core/internal';
import { checkToken } from '../names.js';

/**
 * Options that the writers and the readers of a channel share.
 *
 * @see the example of {@link ClusterWriter}
 */
export interface ClusterChannelOptions {
  /**
   * `'queue'` (default): each message goes to one reader. `'topic'`: each message goes to all readers that are there.
   */
  readonly kind?: 'queue' | 'topic' | undefined;
  /**
   * How many messages the channel holds. In a full queue, `put()` rejects with QueueFullError; a full topic drops its oldest
   * message. It counts when the channel is created. Default: no limit.
   */
  readonly queueLimit?: number | undefined;
  /** Milliseconds that a topic keeps a message. It counts when the channel is created. Default: one hour. */
  readonly maxAge?: number | undefined;
}

/**
 * Options of `cluster.writer()`.
 *
 * @see the example of {@link ClusterWriter}
 */
export interface ClusterWriterOptions extends ClusterChannelOptions {
  /**
   * Whether each message takes the context of its `put()` along, if a carrier was added with `addContextCarrier()`: `forEach()` of
   * the reader calls its function within that context. Default: false.
   */
  readonly context?: boolean | undefined;
}

/**
 * Options of `cluster.reader()`.
 *
 * @see the example of {@link ClusterReader}
 */
export interface ClusterReaderOptions extends ClusterChannelOptions {
  /**
   * Whether all readers of the channel together have one message at a time: then the order holds also if a message is
   * delivered again. All readers of the channel must have the same value. Default: false.
   */
  readonly ordered?: boolean | undefined;
  /**
   * How many messages the reader asks for ahead, and holds. More of them make it faster, and keep them from other readers.
   * Default: 0, it asks for a message when `get()` does.
   */
  readonly prefetch?: number | undefined;
  /** Which messages of a topic come first: those that are put from now on (default), or all that it still holds. */
  readonly from?: 'now' | 'first' | undefined;
  /** A name for the place of a topic's reader. A later reader of that name goes on where this one has stopped. */
  readonly durable?: string | undefined;
  /** Bounds of what a received message may hold. Default: those of the cluster. */
  readonly limits?: DecodeLimits | undefined;
}

const CHANNEL_NAMES = { kind: true, queueLimit: true, maxAge: true } as const;

export const WRITER_OPTIONS = optionNames<ClusterWriterOptions>({ ...CHANNEL_NAMES, context: true });

export const READER_OPTIONS = optionNames<ClusterReaderOptions>({
  ...CHANNEL_NAMES,
  ordered: true,
  prefetch: true,
  from: true,
  durable: true,
  limits: true,
});

/** The settings of the channel itself. */
export interface ChannelSettings {
  readonly kind: 'queue' | 'topic';
  readonly queueLimit: number | undefined;
  readonly maxAge: number | undefined;
}

function oneOf(name: string, value: unknown, values: readonly string[]): void {
  if (values.includes(value as string)) return;
  throw new TypeError(`${name}: expected ${values.map((each) => show(each)).join(' or ')}, not ${show(value)}`);
}

export function channelSettings({ kind = 'queue', queueLimit, maxAge }: ClusterChannelOptions): ChannelSettings {
  oneOf('kind', kind, ['queue', 'topic']);
  checkCount('queueLimit', queueLimit, { least: 1, of: 'messages' });
  checkInterval('maxAge', maxAge);
  if (maxAge !== undefined && kind === 'queue') {
    throw new TypeError('maxAge: a queue keeps its messages until they are acknowledged; only a topic has a maxAge');
  }
  return { kind, queueLimit, maxAge };
}

/** The settings of a writer. */
export interface WriterSettings extends ChannelSettings {
  readonly context: boolean;
}

export function writerSettings(options: ClusterWriterOptions = {}): WriterSettings {
  checkOptions(options, WRITER_OPTIONS);
  const { context = false } = options;
  checkFlag('context', context);
  return { ...channelSettings(options), context };
}

/** The settings of a reader. */
export interface ReaderSettings extends ChannelSettings {
  readonly ordered: boolean;
  readonly prefetch: number;
  readonly from: 'now' | 'first';
  readonly durable: string | undefined;
  readonly limits: DecodeLimits | undefined;
}

const MOST_PREFETCHED = 10_000;

export function readerSettings(options: ClusterReaderOptions = {}): ReaderSettings {
  checkOptions(options, READER_OPTIONS);
  const { ordered = false, prefetch = 0, from = 'now', durable, limits } = options;
  const channel = channelSettings(options);
  checkFlag('ordered', ordered);
  checkCount('prefetch', prefetch, { most: MOST_PREFETCHED, of: 'messages' });
  oneOf('from', from, ['now', 'first']);
  if (durable !== undefined) checkToken('durable', durable);
  if (channel.kind === 'queue') {
    for (const name of ['from', 'durable'] as const) {
      if (options[name] !== undefined) throw new TypeError(`${name}: only the reader of a topic has this option`);
    }
  }
  if (ordered && prefetch > 0)
    throw new TypeError('prefetch: an ordered reader has one message at a time; leave out prefetch, or ordered');
  return { ...channel, ordered, prefetch, from, durable, limits };
}
