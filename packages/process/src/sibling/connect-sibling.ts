import { type Channel } from '@aiopipe/codec';
import { type WaitOptions } from '@aiopipe/core';
import { calledFrom, callSite, checkName, handled, optionNames, refuse, show } from '@aiopipe/core/internal';
import { siblingCalls } from '../target/role.js';
import { checkPartitionKey } from './partition-key.js';

/**
 * Options of `connectSibling()` and of a supervisor's `connect()`.
 *
 * @see the example of {@link connectSibling}
 */
export interface ConnectOptions extends WaitOptions {
  /** For a child with partitions, which needs it: connects to the partition that has this key, as `which()` does. */
  readonly key?: string | number | undefined;
}

const OPTIONS = optionNames<ConnectOptions>({ signal: true, timeout: true, key: true });

/**
 * Checks the arguments of a call that connects to a child. Throws TypeError, or AbortError if the signal is aborted already.
 *
 * @param what - names the call
 */
export function checkConnect(what: string, id: unknown, options: ConnectOptions): void {
  checkName('id', id);
  const refusal = refuse(options, OPTIONS, () => `${what}(${show(id)})`);
  if (refusal !== undefined) throw refusal;
  if (options.key !== undefined) checkPartitionKey(options.key);
}

/**
 * Connects this child to another child of the same supervisor: resolves with a channel of its own, whose other end the sibling
 * gets by `connections()`. The two talk without their supervisor. Waits until the sibling runs and takes the connection; a
 * restart lasts no longer than the wait. If the sibling ends later, `get()` rejects with EndOfStreamError and `put()` with
 * BrokenPipeError: connect again.
 *
 * Rejects with SupervisorError (`ERR_AIOPIPE_CHILD_ID`) if the supervisor has no such child; ClosedError if that child was
 * stopped and is not restarted; TimeoutError, which says what the sibling did not do; QueueFullError if 100 calls wait
 * already; `ERR_AIOPIPE_NO_SUPERVISOR` if no supervisor started this process; `ERR_AIOPIPE_NO_CHILD` outside a child's function.
 *
 * @param id - of the sibling
 * @typeParam Send - the messages that this process sends; nothing checks them, see `Channel.validate()`
 *
 * @example
 * ```ts
 * import { connections, connectSibling, isChild, Supervisor, target } from '@aiopipe/process';
 *
 * export const store = target(import.meta.url, 'store', async () => {
 *   for await (const { channel, from } of connections<string>()) await channel.put(`hello ${from}`);
 * });
 * export const client = target(import.meta.url, 'client', async () => {
 *   using channel = await connectSibling<string>('store', { timeout: 5000 });
 *   console.log(await channel.get());
 * });
 *
 * if (!isChild()) {
 *   const specs = [{ id: 'store', target: store }, { id: 'client', target: client, restart: 'temporary' as const }];
 *   await using supervisor = new Supervisor(specs);
 *   const events = supervisor.events();
 *   await supervisor.start();
 *   for await (const event of events) if (event.type === 'exited') break;
 * }
 * ```
 * ```text
 * hello client
 * ```
 */
export function connectSibling<Send = unknown, Receive = Send>(
  id: string,
  options: ConnectOptions = {},
): Promise<Channel<Send, Receive>> {
  const site = callSite(connectSibling);
  return handled(
    connect(id, options).catch((error: unknown) => {
      throw calledFrom(site, error as Error);
    }),
  ) as Promise<Channel<Send, Receive>>;
}

async function connect(id: string, options: ConnectOptions): Promise<Channel> {
  checkConnect('connectSibling', id, options);
  return siblingCalls('connectSibling').connect(id, options.key, options);
}
