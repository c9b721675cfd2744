import { metrics, trace } from '@opentelemetry/api';
import type { ChildEnd } from '@aiopipe/process';
import { listen, type Undo } from './subscribe.js';

/** Not in OpenTelemetry's API: the SDK's providers have it, and the API's trace provider stands before one. */
interface Provider {
  forceFlush?(): Promise<void>;
  getDelegate?(): Provider;
}

/** A child exits when its function has returned. What it recorded last is still in a queue of the SDK then, and must be exported. */
export function flushAtEnd(): Undo {
  return listen<ChildEnd>('aiopipe:child.end', ({ waitUntil }) => {
    waitUntil(flush());
  });
}

async function flush(): Promise<void> {
  const traces = trace.getTracerProvider() as Provider;
  const providers = [traces.getDelegate?.() ?? traces, metrics.getMeterProvider() as Provider];
  // What fails is reported by the SDK.
  await Promise.allSettled(providers.map(async (provider) => provider.forceFlush?.()));
}
