import { context, trace, type Link, type Span } from '@opentelemetry/api';
import type { PoolTask, TaskAttempt } from '@aiopipe/process';
import { recordFailure } from './failure.js';
import { SCOPE } from '../scope.js';

/**
 * Adds the workers that tried a task to its span. A task that was retried gets a child span for each attempt, which links to the
 * one before.
 */
export function recordAttempts(span: Span, { attempts }: PoolTask): void {
  const [first] = attempts;
  if (first !== undefined) span.addEvent('aiopipe.task.started', undefined, first.startedAt);
  if (attempts.length < 2) {
    if (first !== undefined) span.setAttributes(workerAttributes(first));
    return;
  }
  const tracer = trace.getTracer(SCOPE);
  const inner = trace.setSpan(context.active(), span);
  let links: Link[] = [];
  for (const [index, attempt] of attempts.entries()) {
    const name = `attempt ${String(index + 1)}`;
    const options = { startTime: attempt.startedAt, links, attributes: workerAttributes(attempt) };
    const child = tracer.startSpan(name, options, inner);
    if (attempt.error !== undefined) recordFailure(child, attempt.error);
    child.end(attempt.endedAt);
    links = [{ context: child.spanContext() }];
  }
}

function workerAttributes({ worker, pid }: TaskAttempt) {
  return { 'aiopipe.worker': worker, ...(pid !== undefined && { 'process.pid': pid }) };
}
