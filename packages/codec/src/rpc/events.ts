import { type TracedMessage } from '@aiopipe/core';
import { Traced } from '@aiopipe/core/internal';

/**
 * The message of the TracingChannels `aiopipe:rpc.call` (a call, from here until its outcome is known) and `aiopipe:rpc.serve` (a
 * call of the peer, from its arrival until it is answered). A generator is over after its last item.
 *
 * @example
 * ```ts
 * import { channel as diagnostics } from 'node:diagnostics_channel';
 * import { channel, expose, proxy, type RpcCall } from '@aiopipe/codec';
 *
 * diagnostics('tracing:aiopipe:rpc.call:asyncEnd').subscribe((message) => {
 *   const { method, error } = message as RpcCall;
 *   console.log(method, error ?? 'done');
 * });
 * const [here, there] = channel({ duplex: true });
 * expose(there, { add: (a: number, b: number) => a + b });
 * await proxy<{ add(a: number, b: number): number }>(here).add(1, 2);
 * here.close();
 * ```
 * ```text
 * add done
 * ```
 */
export interface RpcCall extends TracedMessage {
  /** The name of the channel. */
  readonly channel: string;
  /** The method; a function that came with a call has the name `function`. */
  readonly method: string;
}

export const rpcCall = new Traced<RpcCall>('aiopipe:rpc.call');
export const rpcServe = new Traced<RpcCall>('aiopipe:rpc.serve');

export function rpcMessage(channel: string, target: string | number): RpcCall {
  return { channel, method: typeof target === 'string' ? target : 'function' };
}
