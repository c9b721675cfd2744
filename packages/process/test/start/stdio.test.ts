import { afterAll, expect, test } from 'vitest';
import { aioduplex, aiopipe, ClosedError, MovedError, type PipeReader } from '@aiopipe/core';
import { startProcess } from '@aiopipe/process';
import { childPids, fdsSince, leakCheck, openFds } from '@aiopipe/testing';
import { describeFds, copyStdin } from '../fixtures/tells-about-itself.js';
import { childrenSince, errorOf, thrownBy } from '../helpers.js';

afterAll(leakCheck());

const all = async (reader: PipeReader | undefined) => (await reader?.read())?.toString();

test('pipes are streams of the handle', async () => {
  const child = startProcess(copyStdin, { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
  await child.stdin?.write('hello');
  await child.stdin?.close();
  expect(await Promise.all([all(child.stdout), all(child.stderr)])).toEqual(['out hello', 'err hello']);
  await child.result;
  await child.join();
  child.close();
});

test('without pipes there are no streams', async () => {
  const child = startProcess(describeFds);
  expect([child.stdin, child.stdout, child.stderr]).toEqual([undefined, undefined, undefined]);
  const fds = new Map(await child.result);
  const ours = openFds();
  expect(fds.get(0)).toBe('/dev/null');
  expect(fds.get(1)).toBe(ours.get(1));
  expect(fds.get(2)).toBe(ours.get(2));
  await child.join();
});

test('each can be inherited or ignored', async () => {
  const child = startProcess(describeFds, { stdin: 'inherit', stdout: 'ignore', stderr: 'ignore' });
  const fds = new Map(await child.result);
  expect(fds.get(0)).toBe(openFds().get(0));
  expect(fds.get(1)).toBe('/dev/null');
  expect(fds.get(2)).toBe('/dev/null');
  await child.join();
});

test('each can be an end, which moves', async () => {
  const [rx, tx] = aiopipe();
  const [rx2, tx2] = aiopipe();
  const child = startProcess(copyStdin, { stdin: rx, stdout: tx2, stderr: 'ignore' });
  expect([rx.state, tx2.state]).toEqual(['moved', 'moved']);
  expect(thrownBy(() => rx.fd)).toBeInstanceOf(MovedError);
  const writer = tx.open();
  await writer.write('through ends');
  await writer.close();
  await using reader = rx2.open();
  expect(await all(reader)).toBe('out through ends');
  await child.join();
});

test('two children can be a chain', async () => {
  const [rx, tx] = aiopipe();
  const first = startProcess(copyStdin, { stdin: 'pipe', stdout: tx, stderr: 'ignore' });
  const second = startProcess(copyStdin, { stdin: rx, stdout: 'pipe', stderr: 'ignore' });
  await first.stdin?.write('x');
  await first.stdin?.close();
  expect(await all(second.stdout)).toBe('out out x');
  await Promise.all([first.join(), second.join()]);
  first.close();
  second.close();
});

test('the handle’s close closes what was not read', async () => {
  const before = openFds();
  const child = startProcess(describeFds, { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
  await child.join();
  const { stdout } = child;
  child.close();
  expect(fdsSince(before).filter((line) => line.includes('pipe:'))).toEqual([]);
  expect(await errorOf(stdout?.read() as Promise<unknown>)).toBeInstanceOf(ClosedError);
});

test.each(['stdin', 'stdout', 'stderr'] as const)('%s can be nothing else, and nothing moves then', (name) => {
  const [rx, tx] = aiopipe();
  const [one, other] = aioduplex();
  const [argument, peer] = aiopipe();
  const wrong = name === 'stdin' ? tx : rx;
  const before = openFds();
  const children = childPids();
  for (const choice of ['overlapped', 5, null, {}, wrong, one]) {
    const error = thrownBy(() => startProcess(describeFds, { args: [argument], [name]: choice }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(name);
  }
  expect(fdsSince(before)).toEqual([]);
  expect(childrenSince(children)).toEqual([]);
  expect(argument.state).toBe('owned');
  expect(wrong.state).toBe('owned');
  for (const end of [rx, tx, one, other, argument, peer]) end.close();
});

test('an end that is closed or was given away already is refused, and nothing else moves', () => {
  const [rx, tx] = aiopipe();
  const [argument, peer] = aiopipe();
  tx.close();
  const start = () => startProcess(describeFds, { args: [argument], stdin: rx, stdout: tx });
  expect(thrownBy(start)).toBeInstanceOf(ClosedError);
  expect([rx.state, argument.state]).toEqual(['owned', 'owned']);
  const before = openFds();
  startProcess(describeFds, { stdin: rx }).kill();
  expect(thrownBy(() => startProcess(describeFds, { args: [argument], stdin: rx }))).toBeInstanceOf(MovedError);
  expect(argument.state).toBe('owned');
  expect(fdsSince(before).filter((line) => line.includes('pipe:'))).toEqual([]);
  for (const end of [argument, peer]) end.close();
});

test('an end can’t be stdin and an argument, too, and nothing moves then', () => {
  const [rx, tx] = aiopipe();
  const before = openFds();
  const children = childPids();
  const error = thrownBy(() => startProcess(describeFds, { args: [tx, { deep: [rx] }], stdin: rx }));
  expect(error).toBeInstanceOf(TypeError);
  expect(error.message).toMatch(/^stdin: .*args/);
  expect([rx.state, tx.state]).toEqual(['owned', 'owned']);
  expect(fdsSince(before)).toEqual([]);
  expect(childrenSince(children)).toEqual([]);
  rx.close();
  tx.close();
});

test('what can’t be sent is named as such where stdin is an end, too', () => {
  const [rx, tx] = aiopipe();
  const error = thrownBy(() => startProcess(describeFds, { args: [() => 1] as never, stdin: rx }));
  expect(error.message).toMatch(/^args\[0\]: a function/);
  expect(rx.state).toBe('owned');
  rx.close();
  tx.close();
});

test('stdout and stderr can be one end', async () => {
  const [rx, tx] = aiopipe();
  const child = startProcess(copyStdin, { stdin: 'pipe', stdout: tx, stderr: tx });
  await child.stdin?.write('x');
  await child.stdin?.close();
  await using reader = rx.open();
  expect((await all(reader))?.split(/(?=err|out)/).sort()).toEqual(['err x', 'out x']);
  await child.join();
  child.close();
});
