import { SpanStatusCode, type Span } from '@opentelemetry/api';
import { errorType } from '../error-type.js';

/** Records that the operation of a span has failed with an error. */
export function recordFailure(span: Span, error: unknown): void {
  const exception = error instanceof Error ? error : String(error);
  span.recordException(exception);
  span.setAttribute('error.type', errorType(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
}
