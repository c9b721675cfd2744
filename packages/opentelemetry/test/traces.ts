import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixture, runFixture, type FixtureResult } from '@aiopipe/testing';
import { type SpanLine } from './fixtures/sdk.js';

/** How a fixture ended, and the spans that it and its children have exported. */
export interface Traced extends FixtureResult {
  readonly spans: readonly SpanLine[];
}

/** Options of Node.js for a program with the real SDK and our `register`; its children inherit them. */
export const tracedArgv = (): string[] => ['--import', fixture('sdk'), '--import', '@aiopipe/opentelemetry/register'];

/** Runs a fixture with the real SDK and our `register`, by `--import` in it and its children. */
export async function runTraced(name: string, ...args: string[]): Promise<Traced> {
  const directory = mkdtempSync(join(tmpdir(), 'opentelemetry-'));
  const file = join(directory, 'spans');
  try {
    const result = await runFixture(name, {
      args,
      execArgv: tracedArgv(),
      env: { ...process.env, SPANS: file },
    });
    return { ...result, spans: readSpans(file) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Returns the spans that processes have appended to a file, in the order of their starts. */
export function readSpans(file: string): SpanLine[] {
  const lines = (existsSync(file) ? readFileSync(file, 'utf8') : '').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as SpanLine).sort((a, b) => a.start - b.start);
}

const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'];

/** A span, and those that began within it. */
export interface Tree {
  readonly span: SpanLine;
  readonly children: readonly Tree[];
}

/** Returns the trees of spans: one for each span without a parent here, in the order of their starts. */
export function treesOf(spans: readonly SpanLine[]): Tree[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const childrenOf = (parent: string): Tree[] =>
    spans.filter((span) => span.parent === parent).map((span) => ({ span, children: childrenOf(span.spanId) }));
  return spans
    .filter(({ parent }) => parent === undefined || !ids.has(parent))
    .map((span) => ({ span, children: childrenOf(span.spanId) }));
}

/** The names of a tree's spans, with their kinds, indented as Jaeger does it. */
export function outline(trees: readonly Tree[], depth = 0): string[] {
  return trees.flatMap(({ span, children }) => [
    `${'  '.repeat(depth)}${span.name} [${KINDS[span.kind] ?? '?'}]`,
    ...outline(children, depth + 1),
  ]);
}

/** The list of spans as Jaeger shows a trace: tree, process, and when and for how long it ran, in milliseconds. */
export function timeline(trees: readonly Tree[], processes: ReadonlyMap<number, string>): string {
  const origin = trees[0]?.span.start ?? 0;
  const rows = (all: readonly Tree[], depth: number): string[] =>
    all.flatMap(({ span, children }) => [
      `${`${'  '.repeat(depth)}${span.name} [${KINDS[span.kind] ?? '?'}]`.padEnd(42)} ` +
        `${(processes.get(span.pid) ?? '?').padEnd(8)} ` +
        `${(span.start - origin).toFixed(1).padStart(8)} +${span.duration.toFixed(1)} ms`,
      ...rows(children, depth + 1),
    ]);
  return rows(trees, 0).join('\n');
}
