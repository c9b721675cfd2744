import { type WaitOptions } from '@aiopipe/core';
import { checkCount, checkOptions, optionNames, show } from '@aiopipe/core/internal';
import {
  CHANNEL_NAMES,
  CHANNEL_OPTIONS,
  readOptions,
  type ChannelOptions,
  type ChannelSettings,
} from '../channel/options.js';
import { type DecodeLimits } from '../serializer/decode-limits.js';

/**
 * The process at the other side of a connection, as the kernel knew it when it connected.
 *
 * @see the example of {@link listen}
 */
export interface Peer {
  /** Its process id; 0 if this process cannot see it, because it runs in another pid namespace. */
  readonly pid: number;
  /** Its effective user id. */
  readonly uid: number;
  /** Its effective group id. */
  readonly gid: number;
}

/**
 * Options of the channels of `listen()` and `connect()`: those of `channel()`, with bounds for strangers as defaults.
 *
 * @example
 * ```ts
 * import { connect, listen } from '@aiopipe/codec';
 *
 * const limits = { maxFrameLength: 64 * 1024, limits: { depth: 10 } };
 * using hub = listen('strangers.sock', limits);
 * const accepted = hub.accept();
 * using client = await connect('strangers.sock', limits);
 * (await accepted).channel.close();
 * await client.closed.catch((error) => console.log(error.code));
 * ```
 * ```text
 * ERR_AIOPIPE_END_OF_STREAM
 * ```
 */
export interface StrangerOptions extends ChannelOptions {
  /** The longest message that is sent or received, in bytes. Default: 16 MiB. */
  readonly maxFrameLength?: number | undefined;
  /**
   * Bounds of what a received message may hold. Defaults here: `depth` 1,000, `nodes` 1,000,000, `memory` 128 MiB, `symbols` 100.
   * A name that is left out keeps its default; Infinity takes the bound away. Only the default decoder has limits.
   */
  readonly limits?: DecodeLimits | undefined;
}

/**
 * Options of `listen()`.
 *
 * @example
 * ```ts
 * import { connect, listen } from '@aiopipe/codec';
 *
 * using hub = listen('private.sock', { mode: 0o660, allow: ({ gid }) => gid === process.getgid?.(), backlog: 16 });
 * const accepted = hub.accept();
 * using client = await connect('private.sock');
 * using channel = (await accepted).channel;
 * await client.put('we are in the same group');
 * console.log(await channel.get());
 * ```
 * ```text
 * we are in the same group
 * ```
 */
export interface ListenOptions extends StrangerOptions {
  /**
   * The permissions of the socket's file, whatever the umask: who may write to it may connect. Default: 0o600, the user alone.
   * An abstract socket has none.
   */
  readonly mode?: number | undefined;
  /**
   * Decides about each connection. Default: only processes of this process's effective user may connect. The connection is
   * closed, before a byte of it is read, unless this returns true. It must not return a promise. If it throws, the answer is no.
   */
  readonly allow?: ((peer: Peer) => boolean) | undefined;
  /** How many connections may wait to be accepted. The system has a limit of its own (net.core.somaxconn). Default: 511. */
  readonly backlog?: number | undefined;
}

/**
 * Options of `connect()`.
 *
 * @see the example of {@link connect}
 */
export interface ConnectOptions extends StrangerOptions, WaitOptions {}

const LISTEN_OPTIONS = optionNames<ListenOptions>({ mode: true, allow: true, backlog: true, ...CHANNEL_NAMES });
export const CONNECT_OPTIONS = optionNames<ConnectOptions>({ signal: true, timeout: true, ...CHANNEL_NAMES });

const DEFAULT_MODE = 0o600;
/** As in Node.js. */
const DEFAULT_BACKLOG = 511;

const MAX_FRAME_LENGTH = 16 * 1024 * 1024;
const LIMITS = { depth: 1000, nodes: 1_000_000, memory: 128 * 1024 * 1024, symbols: 100 };

/** {@link ListenOptions} with all defaults. */
export interface ListenSettings {
  readonly mode: number;
  readonly allow: ListenOptions['allow'];
  readonly backlog: number;
  readonly channel: ChannelSettings;
}

/** Throws TypeError for a wrong option. */
export function readListenOptions(options: ListenOptions = {}, isAbstract: boolean): ListenSettings {
  checkOptions(options, LISTEN_OPTIONS);
  const { mode, allow, backlog = DEFAULT_BACKLOG } = options;
  checkMode(mode, isAbstract);
  if (allow !== undefined && typeof allow !== 'function') {
    throw new TypeError(`allow: expected a function of a peer, not ${show(allow)}`);
  }
  checkCount('backlog', backlog, { least: 1, most: 0x7fffffff, of: 'connections' });
  return { mode: mode ?? DEFAULT_MODE, allow, backlog, channel: strangerSettings(options) };
}

function checkMode(mode: unknown, isAbstract: boolean): void {
  if (mode === undefined) return;
  if (!Number.isInteger(mode) || (mode as number) < 0 || (mode as number) > 0o777) {
    const hint = typeof mode === 'number' && /^[0-7]{3}$/.test(String(mode)) ? `; did you mean 0o${String(mode)}?` : '';
    throw new TypeError(`mode: expected permissions from 0 to 0o777, such as 0o600, not ${show(mode)}${hint}`);
  }
  if (isAbstract) {
    throw new TypeError('mode: an abstract socket has no permissions; use allow, or the path of a file');
  }
}

/** Returns the settings of a channel to a stranger. Throws TypeError for a wrong value. */
export function strangerSettings(options: StrangerOptions): ChannelSettings {
  const { maxFrameLength = MAX_FRAME_LENGTH } = options;
  const settings = readOptions({ ...channelOptionsOf(options), maxFrameLength });
  if (settings.decoder !== 'default') return settings;
  const given = Object.entries(settings.limits).filter(([, limit]) => limit !== undefined);
  return { ...settings, limits: { ...LIMITS, ...Object.fromEntries(given) } };
}

function channelOptionsOf(options: StrangerOptions): ChannelOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => CHANNEL_OPTIONS.names.has(name)));
}
