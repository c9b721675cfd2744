import { beforeAll, expect, test } from 'vitest';
import { type SpanLine } from './fixtures/sdk.js';
import { outline, runTraced, timeline, treesOf, type Traced } from './traces.js';

let result: Traced;
let request: readonly SpanLine[];

beforeAll(async () => {
  result = await runTraced('serves-a-request');
  const root = result.spans.find(({ name }) => name === 'GET');
  request = result.spans.filter(({ traceId }) => traceId === root?.traceId);
});

const named = (name: string): SpanLine => {
  const span = request.find((each) => each.name === name);
  if (span === undefined) throw new Error(`no span ${name}`);
  return span;
};

test('a request is one trace, through the pool, its worker, a child of that and the programs of a chain', () => {
  expect(result).toMatchObject({ code: 0, stderr: '' });
  const trees = treesOf(request);
  const server = named('GET').pid;
  const worker = named('process thumb').pid;
  const child = named('run count').pid;
  const processes = new Map([
    [server, 'server'],
    [worker, 'worker'],
    [child, 'child'],
  ]);
  process.stdout.write(`${timeline(trees, processes)}\n`);
  expect(processes.size).toBe(3);
  expect(outline(trees)).toEqual([
    'GET [server]',
    '  run thumb [producer]',
    '    process thumb [consumer]',
    '      resize to 320 [internal]',
    '        start count [producer]',
    '          run count [consumer]',
    '            printenv | sort [internal]',
    '              printenv [client]',
    '              sort [client]',
  ]);
  expect(request.map(({ pid }) => processes.get(pid))).toEqual([
    'server',
    'server',
    ...['worker', 'worker', 'worker'],
    ...['child', 'child', 'child', 'child'],
  ]);
});

test('programs get the context in TRACEPARENT and BAGGAGE', () => {
  const { traceId, spanId } = named('printenv');
  expect(result.stdout).toBe(`00-${traceId}-${spanId}-01\nuser=ada\n`);
});

test('the baggage reaches every process', () => {
  const [, ...within] = request;
  expect(within.map(({ user }) => user)).toEqual(within.map(() => 'ada'));
});

test("attributes have the semantic conventions' names", () => {
  const task = {
    'messaging.system.name': 'aiopipe',
    'messaging.destination.name': 'thumb',
  };
  expect(named('run thumb').attributes).toMatchObject({
    ...task,
    'messaging.operation.type': 'send',
    'messaging.operation.name': 'run',
    'aiopipe.pool': 'the pool of thumb',
    'process.pid': named('process thumb').pid,
  });
  expect(named('process thumb').attributes).toEqual({
    ...task,
    'messaging.operation.type': 'process',
    'messaging.operation.name': 'process',
  });
  expect(named('start count').attributes).toMatchObject({
    'aiopipe.process.kind': 'child',
    'process.pid': named('run count').pid,
  });
  const { 'process.pid': pid, ...program } = named('printenv').attributes;
  expect(pid).toEqual(expect.any(Number));
  expect(program).toEqual({ 'process.executable.name': 'printenv', 'process.exit.code': 0 });
  expect(named('printenv | sort').attributes).toEqual({ 'aiopipe.pipeline.stages': ['printenv', 'sort'] });
});

test("a pool's worker has a span for its start, outside of the request, and none for its life", () => {
  const others = result.spans.filter(({ traceId }) => traceId !== named('GET').traceId);
  expect(outline(treesOf(others))).toEqual(['start aiopipe.worker [producer]']);
});
