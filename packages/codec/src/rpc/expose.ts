import { checkedMethods } from './methods.js';
import { connectionOf, type AnyChannel, type Connection } from './connection.js';
import { type Service } from './incoming-calls.js';
import { checkExposeOptions, checksOf, DEFAULT_MAX_CALLS, type ExposeOptions } from './options.js';

/**
 * An object that a channel serves: what {@link expose} returns.
 *
 * @example
 * ```ts
 * import { channel, expose, proxy } from '@aiopipe/codec';
 *
 * const [here, there] = channel({ duplex: true });
 * const exposed = expose(there, { now: () => 'noon' });
 * console.log(await proxy<{ now(): string }>(here).now());
 * here.close();
 * await exposed.closed;
 * there.close();
 * ```
 * ```text
 * noon
 * ```
 */
export class Exposed implements Disposable {
  /**
   * Settles when the object is no longer served. Resolves if you closed this or the channel, or if the peer has closed. Rejects
   * with what else ended the channel. The promise is marked as handled.
   */
  readonly closed: Promise<void>;
  readonly #connection: Connection;
  readonly #service: Service;

  private constructor(connection: Connection, service: Service, maxCalls: number) {
    this.#connection = connection;
    this.#service = service;
    this.closed = connection.serve(service, maxCalls);
  }

  /** @internal */
  static make(connection: Connection, service: Service, maxCalls: number): Exposed {
    return new Exposed(connection, service, maxCalls);
  }

  /** Refuses new calls from now on. Calls that run go on, and are answered. The channel stays open. */
  close(): void {
    this.#connection.stop(this.#service);
  }

  /** See {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Serves the methods of an object to the other end of a channel, until the channel closes: see {@link proxy}. The methods are
 * those that the object has now: its own enumerable ones, and those of its class and the classes above. Getters, symbols and the
 * names of Object.prototype are no methods.
 *
 * Calls take the channel over: `get()` and `put()` on it reject with BusyError. Both ends may expose an object and call.
 *
 * @throws TypeError if it is no duplex channel, or the object has no methods
 * @throws BusyError if the channel exposes an object already, or a `get()` waits
 *
 * @example
 * ```ts
 * import { channel, expose, proxy } from '@aiopipe/codec';
 *
 * const counter = { count: 0, add: (n: number) => (counter.count += n) };
 * const [here, there] = channel({ duplex: true });
 * expose(there, counter);
 * const remote = proxy<typeof counter>(here);
 * await remote.add(2);
 * console.log(await remote.add(3));
 * here.close();
 * there.close();
 * ```
 * ```text
 * 5
 * ```
 */
export function expose(channel: AnyChannel, object: object, options?: ExposeOptions): Exposed {
  checkExposeOptions(options);
  const methods = checkedMethods(object);
  const checks = checksOf(options?.schemas, 'arguments');
  for (const name of checks?.keys() ?? []) {
    if (methods.has(name)) continue;
    // It would check nothing.
    throw new TypeError(
      `schemas.${name}: the object has no such method; its methods are ${[...methods.keys()].join(', ')}`,
    );
  }
  const service: Service = { object, methods, checks };
  return Exposed.make(connectionOf(channel, 'expose'), service, options?.maxCalls ?? DEFAULT_MAX_CALLS);
}
