import { checkFlag, checkOptions, optionNames, socketPair, type CallSite } from '@aiopipe/core/internal';
import { BUFFER_SIZE, Channel, ChannelReader, ChannelWriter, orClosed } from './channel.js';
import { type ChannelEnd } from './end.js';
import { CHANNEL_NAMES, readOptions, type ChannelOptions } from './options.js';

/**
 * The two ends of a channel. Disposing of the pair disposes of both.
 *
 * @see the example of {@link channel}
 */
export type ChannelPair<One extends Disposable, Other extends Disposable> = [One, Other] & Disposable;

/**
 * Makes a channel for messages, on one socketpair(2). The reader receives what the writer sends. Each end can move to another
 * process. With `duplex`, both ends send and receive.
 *
 * @example
 * ```ts
 * import { channel } from '@aiopipe/codec';
 *
 * using pair = channel<{ id: number; tags: Set<string> }>();
 * const [reader, writer] = pair;
 * await writer.put({ id: 7, tags: new Set(['new']) });
 * writer.close();
 * for await (const job of reader) console.log(job);
 * ```
 * ```text
 * { id: 7, tags: Set(1) { 'new' } }
 * ```
 */
export function channel<Message = unknown>(
  options?: ChannelOptions & { readonly duplex?: false | undefined },
): ChannelPair<ChannelReader<Message>, ChannelWriter<Message>>;
export function channel<Send = unknown, Receive = Send>(
  options: ChannelOptions & { readonly duplex: true },
): ChannelPair<Channel<Send, Receive>, Channel<Receive, Send>>;
export function channel(options: PairOptions = {}): ChannelPair<ChannelEnd, ChannelEnd> {
  checkOptions(options, PAIR_OPTIONS);
  const settings = readOptions(options);
  const { duplex = false } = options;
  checkFlag('duplex', duplex);
  const names = duplex ? (['channel end', 'channel end'] as const) : (['channel reader', 'channel writer'] as const);
  const [one, other] = socketPair(BUFFER_SIZE, names, channel);
  return orClosed([one, other], () =>
    asPair(
      duplex ? Channel.make(one, settings) : ChannelReader.make(one, settings),
      duplex ? Channel.make(other, settings) : ChannelWriter.make(other, settings),
    ),
  );
}

/**
 * Makes a duplex channel for the layers above. Messages name `site` as the line that made it. @internal
 */
export function channelMadeAt(site: CallSite): [Channel, Channel] {
  const settings = readOptions();
  const ends = socketPair(BUFFER_SIZE, ['channel end', 'channel end'], site);
  return orClosed(ends, () => [Channel.make(ends[0], settings), Channel.make(ends[1], settings)]);
}

interface PairOptions extends ChannelOptions {
  readonly duplex?: boolean | undefined;
}

const PAIR_OPTIONS = optionNames<PairOptions>({ duplex: true, ...CHANNEL_NAMES });

function asPair<One extends Disposable, Other extends Disposable>(one: One, other: Other): ChannelPair<One, Other> {
  const pair: [One, Other] = [one, other];
  return Object.defineProperty(pair, Symbol.dispose, {
    value: () => {
      // The writer first: its unsent messages would fail if the reader had closed.
      other[Symbol.dispose]();
      one[Symbol.dispose]();
    },
  }) as ChannelPair<One, Other>;
}
