import { metrics, trace } from '@opentelemetry/api';
import type { ChildEnd } from '@aiopipe/process';
import { listen, type Undo } from './subscribe.js';

/** Milliseconds that a child's exit waits for its exporters, at most: a collector may be unreachable. */
const FLUSH_TIMEOUT = 2000;

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
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FLUSH_TIMEOUT);
  });
  // What fails is reported by the SDK.
  const flushed = Promise.allSettled(providers.map(async (provider) => provider.forceFlush?.()));
  await Promise.race([flushed, timeout]);
  clearTimeout(timer);
}
