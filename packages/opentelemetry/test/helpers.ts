import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { instrument } from '@aiopipe/opentelemetry';
import { SpanStatusCode } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { leakCheck, until } from '@aiopipe/testing';
import { afterAll, beforeEach } from 'vitest';
import { exporter } from './fixtures/sdk.js';

/** Instruments the test's process, and checks at its end that nothing is left open. */
export function instrumented(): void {
  const checkLeaks = leakCheck();
  const instrumentation = instrument();
  beforeEach(() => {
    exporter.reset();
  });
  afterAll(async () => {
    instrumentation[Symbol.dispose]();
    await checkLeaks();
  });
}

/** All spans that have ended since the test began. */
export const spans = (): ReadableSpan[] => exporter.getFinishedSpans();

/** Resolves with the span of that name, when it has ended. */
export async function spanOf(name: string): Promise<ReadableSpan> {
  await until(`the span ${name} has ended`, () => spans().some((span) => span.name === name));
  return spans().find((span) => span.name === name) as ReadableSpan;
}

/** What a span tells of a failure. */
export function failureOf({ status, events, attributes }: ReadableSpan) {
  const exceptions = events.filter(({ name }) => name === 'exception');
  return {
    isError: status.code === SpanStatusCode.ERROR,
    type: attributes['error.type'],
    exceptions: exceptions.map(({ attributes: about }) => about?.['exception.message']),
  };
}

export async function inDirectory<T>(callback: (path: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'opentelemetry-'));
  try {
    return await callback(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
