import { listenLocal, localName, OwnedFd } from '@aiopipe/core/internal';
import { Hub } from './hub.js';
import { readListenOptions, type ListenOptions } from './options.js';

/**
 * Listens at a path of this machine (a Unix domain socket), so that unrelated processes can connect (`connect()`). `@name` is an abstract
 * socket: Linux alone has them, and they leave no file. A relative path is resolved against the working directory at once.
 *
 * The file of a socket that no process has any more is replaced. Anything else at the path is left alone.
 *
 * @throws SystemError EADDRINUSE if another process listens there, or another file is there; else the system's error
 * @throws TypeError or RangeError if an argument is wrong, or the path has more bytes than the system takes
 *
 * @example
 * ```ts
 * import { connect, listen } from '@aiopipe/codec';
 *
 * await using hub = listen<string>('greetings.sock', { mode: 0o600 });
 * const accepted = hub.accept();
 * using client = await connect<string>('greetings.sock');
 * const { channel, peer } = await accepted;
 * await client.put('hello');
 * console.log(await channel.get(), peer.pid === process.pid);
 * channel.close();
 * ```
 * ```text
 * hello true
 * ```
 */
export function listen<Send = unknown, Receive = Send>(path: string, options?: ListenOptions): Hub<Send, Receive> {
  const name = localName(path);
  const settings = readListenOptions(options, name.isAbstract);
  const listening = listenLocal(name, settings.mode, settings.backlog);
  return Hub.make(name.path, new OwnedFd(listening.fd, `hub at ${name.path}`, listen), listening, settings);
}
