import { Prefork, startProcess } from '@aiopipe/process';
import { pipeline, popen } from '@aiopipe/subprocess';
import { thrownBy } from '@aiopipe/testing';
import { SpanKind } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { double } from '../fixtures/does-tasks.js';
import { failureOf, instrumented, spanOf, spans } from '../helpers.js';

instrumented();

test('the span of a program ends when the program exits', async () => {
  const program = popen(['/bin/cat'], { stdin: 'pipe' });
  expect(spans()).toEqual([]);
  program.stdin.close();
  await program.wait();
  const span = await spanOf('cat');
  expect(span.kind).toBe(SpanKind.CLIENT);
  expect(span.attributes).toEqual({
    'process.executable.name': 'cat',
    'process.pid': program.pid,
    'process.exit.code': 0,
  });
});

test('a program that fails has an error with its exit code', async () => {
  await popen(['sh', '-c', 'exit 3']).wait();
  const span = await spanOf('sh');
  expect(span.attributes).toMatchObject({ 'process.exit.code': 3 });
  expect(failureOf(span)).toEqual({ isError: true, type: '3', exceptions: [] });
});

test('a program that a signal has ended has an error with that', async () => {
  await popen(['sh', '-c', 'kill -KILL $$']).wait();
  const span = await spanOf('sh');
  expect(span.attributes).toMatchObject({ 'aiopipe.process.signal': 'SIGKILL' });
  expect(failureOf(span)).toEqual({ isError: true, type: 'SIGKILL', exceptions: [] });
});

test('a program whose reader has closed its output has no error', async () => {
  await pipeline(['yes'], ['head', '-n', '1']).run();
  const span = await spanOf('yes');
  expect(span.attributes).toMatchObject({ 'aiopipe.process.signal': 'SIGPIPE' });
  expect(failureOf(span)).toEqual({ isError: false, type: undefined, exceptions: [] });
});

test('a program that cannot be started has a span with the exception', async () => {
  const error = thrownBy(() => popen(['/no/such/program']));
  const span = await spanOf('program');
  expect(failureOf(span)).toEqual({ isError: true, type: 'ENOENT', exceptions: [error.message] });
});

test('the span of a start ends when the function of the child is called', async () => {
  const child = startProcess(double, { args: [21], name: 'twice' });
  expect(await child.result).toBe(42);
  const span = await spanOf('start double');
  expect(span.kind).toBe(SpanKind.PRODUCER);
  expect(span.attributes).toEqual({
    'aiopipe.process.kind': 'child',
    'aiopipe.process.name': 'twice',
    'process.pid': child.pid,
  });
  await child.join();
  expect(spans()).toHaveLength(1);
});

test('a child whose module cannot be loaded has a start with the exception', async () => {
  const child = startProcess(new URL('file:///no/such/module.js'), { export: 'run' });
  await expect(child.result).rejects.toMatchObject({ code: 'ERR_AIOPIPE_START' });
  const failure = failureOf(await spanOf('start run'));
  expect(failure).toMatchObject({ isError: true, type: 'ERR_AIOPIPE_START' });
  expect(failure.exceptions).toHaveLength(1);
});

test('a child of a prefork has a span when it boots, and one when it is taken', async () => {
  await using prefork = new Prefork({ size: 1 });
  await spanOf('start prefork');
  await prefork.ready();
  const child = startProcess(double, { args: [1], prefork });
  await child.result;
  expect((await spanOf('start double')).attributes).toMatchObject({ 'aiopipe.process.preforked': true });
});
