import { context, trace, type Span, type SpanOptions } from '@opentelemetry/api';
import type { TracedMessage } from '@aiopipe/core';
import { recordFailure } from './failure.js';
import { SCOPE } from '../scope.js';
import { all, listen, type Undo } from '../subscribe.js';

/** A kind of operation, and the spans that are made of it. */
export interface Operation<Message extends TracedMessage> {
  /** The name of its TracingChannel. */
  readonly channel: string;
  /** Returns the name and the options of its span; undefined if the operation gets no span. */
  readonly describe: (message: Message) => (SpanOptions & { readonly name: string }) | undefined;
  /** Called when the call has returned: some of the message is known only then. Returns true if the span ends with the call. */
  readonly called?: (span: Span, message: Message) => boolean;
  /** Called when the outcome is known, before the span ends. */
  readonly settled?: (span: Span, message: Message) => void;
}

/**
 * Makes a span of each operation: from its `start` to the event that tells its outcome. It is active in the code that the
 * operation calls, and the parent of what that does.
 */
export function traceOperation<Message extends TracedMessage>(operation: Operation<Message>): Undo {
  const spans = new WeakMap<Message, Span>();
  const on = (event: string, hear: (message: Message, span: Span) => void): Undo =>
    listen<Message>(`tracing:${operation.channel}:${event}`, (message) => {
      const span = spans.get(message);
      if (span !== undefined) hear(message, span);
    });
  const end = (message: Message, span: Span): void => {
    spans.delete(message);
    span.end();
  };
  return all(
    listen<Message>(`tracing:${operation.channel}:start`, (message) => {
      const described = operation.describe(message);
      if (described === undefined) return;
      const { name, ...options } = described;
      // Not a tracer that was taken before: the SDK may have been started, or started anew, since then.
      const span = trace.getTracer(SCOPE).startSpan(name, options);
      spans.set(message, span);
      activate(message, span);
    }),
    on('error', (message, span) => {
      recordFailure(span, message.error);
    }),
    on('end', (message, span) => {
      const isOver = operation.called?.(span, message) === true;
      // A call that has thrown has no outcome besides that.
      if (isOver || 'error' in message) end(message, span);
    }),
    on('asyncEnd', (message, span) => {
      operation.settled?.(span, message);
      end(message, span);
    }),
  );
}

/** Makes a span active in the code that the operation calls. `bindStore()` would need the private store of the SDK. */
function activate(message: TracedMessage, span: Span): void {
  const inner = trace.setSpan(context.active(), span);
  const { within } = message;
  message.within = (run) => context.with(inner, () => (within === undefined ? run() : within(run)));
}
