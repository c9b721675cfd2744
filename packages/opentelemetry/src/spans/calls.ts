import { SpanKind } from '@opentelemetry/api';
import type { RpcCall } from '@aiopipe/codec';
import { traceOperation } from './operation.js';
import { all, type Undo } from '../subscribe.js';

/** A call over a channel has a span at the caller and one at the peer that serves it, by the conventions for RPC. */
export function traceCalls(): Undo {
  const side = (channel: string, kind: SpanKind) =>
    traceOperation<RpcCall>({
      channel,
      describe: (call) => ({
        name: call.method,
        kind,
        attributes: { 'rpc.system.name': 'aiopipe', 'rpc.method': call.method, 'aiopipe.channel': call.channel },
      }),
    });
  return all(side('aiopipe:rpc.call', SpanKind.CLIENT), side('aiopipe:rpc.serve', SpanKind.SERVER));
}
