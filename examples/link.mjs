// A class to copy: calls of another process that may restart. sibling-link.mjs shows how to use it.
import { proxy } from '@aiopipe/codec';

/** @typedef {import('@aiopipe/codec').Channel} Channel */

/** How many times a call is repeated. */
const RETRIES = 2;

/** The codes of the errors that say: the connection broke, or the other process ended. */
const GONE = ['EPIPE', 'ERR_AIOPIPE_END_OF_STREAM', 'ERR_AIOPIPE_INCOMPLETE_READ'];

/** @param {unknown} error */
const isGone = (error) => error instanceof Error && 'code' in error && GONE.includes(String(error.code));

/**
 * Keeps one connection to an object that another process exposes. If the connection breaks, it makes a new one and repeats the call.
 * The other process may have run the method before it died. So call only methods that are safe to run twice.
 *
 * @template {object} T - the object that the other process exposes
 */
export class Link {
  /** @type {Promise<Channel> | undefined} */
  #connection;
  /** @type {() => Promise<Channel>} */
  #connect;

  /** @param {() => Promise<Channel>} connect - makes a connection, for example `() => connectSibling('clock')` */
  constructor(connect) {
    this.#connect = connect;
  }

  /**
   * Resolves with the result of `use`, which calls methods of the remote object.
   *
   * @template R
   * @param {(remote: import('@aiopipe/codec').Remote<T>) => Promise<R>} use
   * @returns {Promise<R>}
   */
  async call(use) {
    for (let left = RETRIES; ; left--) {
      const connection = (this.#connection ??= this.#connect());
      try {
        return await use(proxy(await connection));
      } catch (error) {
        await this.#forgetIfBroken(connection, error);
        if (left === 0 || !isGone(error)) throw error;
      }
    }
  }

  /**
   * Keeps a connection that works: the method itself has thrown the error then.
   *
   * @param {Promise<Channel>} connection
   * @param {unknown} error
   */
  async #forgetIfBroken(connection, error) {
    const channel = await connection.catch(() => undefined);
    if (channel !== undefined && !isGone(error)) return;
    if (this.#connection === connection) this.#connection = undefined;
    channel?.[Symbol.dispose]();
  }

  async close() {
    const channel = await this.#connection;
    channel?.close();
  }
}
