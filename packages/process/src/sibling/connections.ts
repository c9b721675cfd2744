import { type Channel } from '@aiopipe/codec';
import { handled, LOOP_END, LoopIterator, optionNames, Pending, refuse } from '@aiopipe/core/internal';
import { siblingCalls } from '../target/role.js';
import { type AnyConnection, type SiblingCalls } from '../target/sibling-calls.js';

/**
 * A channel that a sibling has made to this process.
 *
 * @see the example of {@link connectSibling}
 */
export interface Connection<Send = unknown, Receive = Send> {
  readonly channel: Channel<Send, Receive>;
  /**
   * The id of the child that connected; of a partition, `cache/0`. Undefined if the program that has the supervisor called
   * its `connect()`.
   */
  readonly from: string | undefined;
}

/**
 * Options of `connections()`.
 *
 * @example
 * ```ts
 * import { connections, isChild, Supervisor, target } from '@aiopipe/process';
 *
 * export const serve = target(import.meta.url, 'serve', async () => {
 *   const calls = connections({ signal: AbortSignal.timeout(10) }); // serves for 10 ms
 *   await calls.next().catch((error) => console.log(error.name));
 * });
 *
 * if (!isChild()) {
 *   await using supervisor = new Supervisor([{ id: 'server', target: serve, restart: 'temporary' }]);
 *   const events = supervisor.events();
 *   await supervisor.start();
 *   for await (const { type } of events) if (type === 'exited') break;
 * }
 * ```
 * ```text
 * AbortError
 * ```
 */
export interface ConnectionsOptions {
  /** Ends the iteration with AbortError, at once. */
  readonly signal?: AbortSignal | undefined;
}

const OPTIONS = optionNames<ConnectionsOptions>({ signal: true });

const what = () => 'connections()';

/**
 * Iterates over the channels that other children of the same supervisor make to this one by `connectSibling()`, and the
 * program itself by `supervisor.connect()`. While the loop waits, it keeps this process alive. It ends with the child's function.
 * Each step of the loop takes one connection; the others wait at the supervisor.
 *
 * Throws `ERR_AIOPIPE_NO_CHILD` outside a child's function. The loop ends with `ERR_AIOPIPE_NO_SUPERVISOR` if no supervisor
 * started this process.
 *
 * @typeParam Send - the messages that this process sends; nothing checks them, see `Channel.validate()`
 *
 * @example
 * ```ts
 * import { connections, isChild, Supervisor, target } from '@aiopipe/process';
 *
 * export const echo = target(import.meta.url, 'echo', async () => {
 *   for await (const { channel } of connections<string>()) void channel.forEach((text) => channel.put(text));
 * });
 *
 * if (!isChild()) {
 *   await using supervisor = new Supervisor([{ id: 'echo', target: echo }]);
 *   await supervisor.start();
 *   using channel = await supervisor.connect<string>('echo', { timeout: 5000 });
 *   await channel.put('hello');
 *   console.log(await channel.get());
 * }
 * ```
 * ```text
 * hello
 * ```
 */
export function connections<Send = unknown, Receive = Send>(
  options: ConnectionsOptions = {},
): AsyncGenerator<Connection<Send, Receive>, void, undefined> {
  const refusal = refuse(options, OPTIONS, what);
  if (refusal instanceof TypeError) throw refusal;
  return new ConnectionIterator(siblingCalls('connections'), options);
}

class ConnectionIterator<Send, Receive> extends LoopIterator<Connection<Send, Receive>> {
  readonly #siblings: SiblingCalls;
  readonly #options: ConnectionsOptions;
  readonly #waiting = new Set<Pending<AnyConnection | undefined>>();
  #isOver = false;

  constructor(siblings: SiblingCalls, options: ConnectionsOptions) {
    super();
    this.#siblings = siblings;
    this.#options = options;
  }

  override next(): Promise<IteratorResult<Connection<Send, Receive>, void>> {
    if (this.#isOver) return Promise.resolve(LOOP_END);
    return handled(this.#next());
  }

  async #next(): Promise<IteratorResult<Connection<Send, Receive>, void>> {
    let pending: Pending<AnyConnection | undefined> | undefined;
    try {
      const refusal = refuse(this.#options, OPTIONS, what);
      if (refusal !== undefined) throw refusal;
      const taker = new Pending<AnyConnection | undefined>(this.#options, what, () => {
        this.#siblings.forget(taker);
      });
      pending = taker;
      this.#waiting.add(taker);
      this.#siblings.take(taker);
      const connection = await taker.promise;
      if (connection !== undefined) return { done: false, value: connection as Connection<Send, Receive> };
      this.#isOver = true;
      return LOOP_END;
    } catch (error) {
      this.#isOver = true;
      throw error;
    } finally {
      if (pending !== undefined) this.#waiting.delete(pending);
    }
  }

  override return(): Promise<IteratorResult<Connection<Send, Receive>, void>> {
    this.#isOver = true;
    for (const taker of this.#waiting) {
      this.#siblings.forget(taker);
      taker.resolve(undefined);
    }
    return Promise.resolve(LOOP_END);
  }
}
