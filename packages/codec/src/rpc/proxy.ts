import { connectionOf, type AnyChannel } from './connection.js';
import { isReserved } from './methods.js';
import { checkProxyOptions, checksOf, DEFAULT_WINDOW, type ProxyOptions } from './options.js';
import { remoteFunction } from './remote-function.js';
import { type Remote } from './remote.js';

/**
 * Returns an object whose methods call those that the other end of the channel exposes: see {@link expose}. Each call returns a
 * promise; a method that is a generator returns an async iterable.
 *
 * The object is no promise: to await it gives the object. If a call fails and no code awaits it, the program goes on.
 *
 * @throws TypeError if it is no duplex channel
 * @throws BusyError if a `get()` waits
 *
 * @example
 * ```ts
 * import { channel, expose, proxy } from '@aiopipe/codec';
 *
 * const clock = {
 *   async *ticks(count: number) {
 *     for (let tick = 1; tick <= count; tick++) yield tick;
 *   },
 * };
 * const [here, there] = channel({ duplex: true });
 * expose(there, clock);
 * const remote = proxy<typeof clock>(here);
 * for await (const tick of remote.ticks(2)) console.log(tick);
 * here.close();
 * there.close();
 * ```
 * ```text
 * 1
 * 2
 * ```
 */
export function proxy<T extends object>(channel: AnyChannel, options?: ProxyOptions): Remote<T> {
  checkProxyOptions(options);
  const checks = checksOf(options?.schemas, 'result');
  const connection = connectionOf(channel, 'proxy');
  if (options?.maxFunctions !== undefined) connection.maxFunctions = options.maxFunctions;
  const settings = { window: options?.window ?? DEFAULT_WINDOW, checks };
  const { outgoing } = connection;
  const methods = new Map<string, unknown>();
  return new Proxy(Object.freeze(Object.create(null) as object), {
    get: (_, name) => {
      if (typeof name === 'symbol') return undefined;
      const known = methods.get(name);
      if (known !== undefined || isReserved(name)) return known;
      const method = remoteFunction((args, wait) => outgoing.call(name, args, wait, settings));
      methods.set(name, method);
      return method;
    },
  }) as Remote<T>;
}
