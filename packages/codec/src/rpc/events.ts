import { type TracedMessage } from '@aiopipe/core';
import { Traced } from '@aiopipe/core/internal';

/**
 * The message of the TracingChannels `aiopipe:rpc.call` (a call, from here until its outcome is known) and `aiopipe:rpc.serve` (a
 * call of the peer, from its arrival until it is answered). A generator is over after its last item.
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
