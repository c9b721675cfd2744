import { basename } from 'node:path';
import { SpanKind, SpanStatusCode, type Span } from '@opentelemetry/api';
import type { ObservedProcess, ProcessExitMessage, ProcessStart } from '@aiopipe/core';
import type { ChildRun } from '@aiopipe/process';
import { traceOperation } from './operation.js';
import { all, listen, type Undo } from '../subscribe.js';

/** The target of a pool's worker: it runs as long as the worker lives, and each of its tasks has a span. */
const WORKER = 'aiopipe.worker';

/**
 * A program has a span until it exits, by the conventions for programs. A child process has a span for its start, until its
 * function is called, and one for the run of that function, in the child.
 */
export function traceProcesses(): Undo {
  return all(tracePrograms(), traceChildren(), traceRuns());
}

function tracePrograms(): Undo {
  const running = new WeakMap<ObservedProcess, Span>();
  const open = traceOperation<ProcessStart>({
    channel: 'aiopipe:process.start',
    describe: ({ kind, name }) => {
      if (kind !== 'program') return undefined;
      const executable = basename(name);
      return { name: executable, kind: SpanKind.CLIENT, attributes: { 'process.executable.name': executable } };
    },
    called: (span, { process }) => {
      if (process === undefined) return true;
      span.setAttribute('process.pid', process.pid);
      running.set(process, span);
      return false;
    },
  });
  const exits = listen<ProcessExitMessage>('aiopipe:process.exit', ({ process, exitCode, signalCode }) => {
    const span = running.get(process);
    if (span === undefined) return;
    running.delete(process);
    recordExit(span, exitCode, signalCode);
    span.end();
  });
  return all(open, exits);
}

function recordExit(span: Span, exitCode: number | null, signalCode: string | null): void {
  if (exitCode !== null) span.setAttribute('process.exit.code', exitCode);
  if (signalCode !== null) span.setAttribute('aiopipe.process.signal', signalCode);
  // The program that read its output has closed it: `yes | head` is a success.
  if (exitCode === 0 || signalCode === 'SIGPIPE') return;
  span.setAttribute('error.type', signalCode ?? String(exitCode));
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function traceChildren(): Undo {
  return traceOperation<ProcessStart>({
    channel: 'aiopipe:process.start',
    describe: ({ kind, name, target }) => {
      if (kind === 'program') return undefined;
      // The names of children may count up; those of their targets do not.
      return {
        name: `start ${target?.name ?? kind}`,
        kind: SpanKind.PRODUCER,
        attributes: { 'aiopipe.process.kind': kind, 'aiopipe.process.name': name },
      };
    },
    called: (span, { kind, process, isPreforked }) => {
      if (process !== undefined) span.setAttribute('process.pid', process.pid);
      if (isPreforked === true) span.setAttribute('aiopipe.process.preforked', true);
      return kind === 'prefork';
    },
  });
}

function traceRuns(): Undo {
  return traceOperation<ChildRun>({
    channel: 'aiopipe:child.run',
    describe: ({ name, target }) =>
      target.name === WORKER
        ? undefined
        : { name: `run ${target.name}`, kind: SpanKind.CONSUMER, attributes: { 'aiopipe.process.name': name } },
  });
}
