import { SystemError } from '@aiopipe/core';
import {
  callSite,
  connectLocal,
  EAGAIN,
  localName,
  OwnedFd,
  Pending,
  refuse,
  Timer,
  withStackLimit,
  type CallSite,
  type LocalName,
} from '@aiopipe/core/internal';
import { BUFFER_SIZE, Channel, orClosed } from '../channel/channel.js';
import { type ChannelSettings } from '../channel/options.js';
import { CONNECT_OPTIONS, strangerSettings, type ConnectOptions } from './options.js';

/**
 * The first and the longest pause before a try, in milliseconds. While the backlog of a listener is full, the kernel refuses
 * non-blocking connects (EAGAIN), and reports no event for room.
 */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 32;

/**
 * Connects to the hub that listens at a path, or at an abstract `@name`: resolves with a channel, over which handles move. The
 * program at the other side may also be written in another language.
 *
 * The kernel accepts a connection before the hub has seen it. If the hub refuses it then, or closes, `get()` rejects with
 * EndOfStreamError. If the backlog of the hub is full, this waits: set a `timeout`.
 *
 * Rejects at once with SystemError if no process listens there: ENOENT if there is no such file, ECONNREFUSED if the process has
 * ended. EACCES: the file's mode does not let this user in.
 *
 * @example
 * ```ts
 * import { connect, listen } from '@aiopipe/codec';
 *
 * using hub = listen<number, string>('lengths.sock');
 * const serving = hub.accept().then(async ({ channel }) => {
 *   await channel.forEach((text) => channel.put(text.length));
 *   channel.close();
 * });
 * const client = await connect<string, number>('lengths.sock', { timeout: 1000 });
 * await client.put('hello');
 * console.log(await client.get());
 * client.close();
 * await serving;
 * ```
 * ```text
 * 5
 * ```
 */
export function connect<Send = unknown, Receive = Send>(
  path: string,
  options: ConnectOptions = {},
): Promise<Channel<Send, Receive>> {
  try {
    const name = localName(path);
    const refusal = refuse(options, CONNECT_OPTIONS, () => `connect to ${name.path}`);
    if (refusal !== undefined) throw refusal;
    const site = withStackLimit(1, () => callSite(connect));
    return connected(name, strangerSettings(options), site, options);
  } catch (error) {
    return Promise.reject(error as Error);
  }
}

function connected<Send, Receive>(
  name: LocalName,
  settings: ChannelSettings,
  site: CallSite,
  { signal, timeout }: ConnectOptions,
): Promise<Channel<Send, Receive>> {
  let timer: Timer | undefined;
  let pause = FIRST_PAUSE;
  const what = () => `connect to ${name.path}: the listener took no connection`;
  const pending = new Pending<Channel<Send, Receive>>({ signal, timeout }, what, () => timer?.cancel());
  const attempt = () => {
    const fd = connectLocal(name, BUFFER_SIZE);
    if (fd === EAGAIN) {
      timer = new Timer(attempt, pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    } else if (fd < 0) pending.reject(connectError(fd, name.path));
    else {
      const owned = new OwnedFd(fd, `channel end to ${name.path}`, site);
      try {
        pending.resolve(orClosed([owned], () => Channel.make<Send, Receive>(owned, settings)));
      } catch (error) {
        pending.reject(error as Error);
      }
    }
  };
  attempt();
  return pending.promise;
}

const HINTS: Record<string, string> = {
  ENOENT: 'no hub was made there, or it has closed',
  ECONNREFUSED: 'no process listens there',
  EACCES: 'the permissions of the socket, or of a folder above it, do not let this user in',
  EPROTOTYPE: 'it is a socket of another type',
};

function connectError(errno: number, path: string): SystemError {
  const error = new SystemError(errno, 'connect', `connect to ${path}`, { path });
  const hint = HINTS[error.code];
  return hint === undefined ? error : new SystemError(errno, 'connect', `connect to ${path}: ${hint}`, { path });
}
