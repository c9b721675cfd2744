import { afterAll, describe, expect, test } from 'vitest';
import { open, readFile, writeFile } from 'node:fs/promises';
import { aioduplex, aiopipe, ClosedError, MovedError, type ReadEnd, type WriteEnd } from '@aiopipe/core';
import { startProcess } from '@aiopipe/process';
import { childPids, fdsSince, leakCheck, openFds } from '@aiopipe/testing';
import { describeFds, copyStdin } from '../fixtures/tells-about-itself.js';
import { childrenSince, errorOf, scratchFiles, thrownBy } from '../helpers.js';

afterAll(leakCheck());

const all = async (end: ReadEnd | undefined) => (await end?.open().read())?.toString();

async function feed(end: WriteEnd | undefined, text: string): Promise<void> {
  await using writer = end?.open();
  await writer?.write(text);
}

test('pipes are ends of the handle, not opened yet', async () => {
  const child = startProcess(copyStdin, { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
  expect([child.stdin, child.stdout, child.stderr].map((end) => end?.state)).toEqual(['owned', 'owned', 'owned']);
  expect(child.stdout?.toJSON()).toMatch(/stdout of process copyStdin made at .*stdio\.test/);
  await feed(child.stdin, 'hello');
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
  await feed(tx, 'through ends');
  expect(await all(rx2)).toBe('out through ends');
  rx2.close();
  await child.join();
});

test('a pipe of one child can be handed on to another', async () => {
  const first = startProcess(copyStdin, { stdin: 'pipe', stdout: 'pipe', stderr: 'ignore' });
  const second = startProcess(copyStdin, { stdin: first.stdout, stdout: 'pipe', stderr: 'ignore' });
  expect(first.stdout?.state).toBe('moved');
  await feed(first.stdin, 'x');
  expect(await all(second.stdout)).toBe('out out x');
  await Promise.all([first.join(), second.join()]);
  first.close();
  second.close();
});

describe('stdin, stdout and stderr are what those of a program can be', () => {
  const files = scratchFiles();
  afterAll(() => {
    files.remove();
  });

  test('a file by its path, emptied or appended to', async () => {
    const input = files.newFile();
    const [output, errors] = [files.newFile(), files.newFile()];
    await writeFile(input, 'from a file');
    for (const append of [false, false, true]) {
      const options = { stdin: { file: input }, stdout: { file: output, append }, stderr: { file: errors } };
      await startProcess(copyStdin, options).result;
    }
    expect(await readFile(output, 'utf8')).toBe('out from a fileout from a file');
    expect(await readFile(errors, 'utf8')).toBe('err from a file');
  });

  test('a FileHandle, which stays ours', async () => {
    const file = files.newFile();
    await writeFile(file, '12345');
    await using handle = await open(file, 'r+');
    await handle.read(Buffer.alloc(2), 0, 2, null);
    const child = startProcess(copyStdin, { stdin: handle, stdout: 'pipe', stderr: 'ignore' });
    expect(await all(child.stdout)).toBe('out 345');
    await child.join();
    child.close();
    expect((await handle.read(Buffer.alloc(2), 0, 2, null)).bytesRead).toBe(0);
  });

  test('one socket, if both are the same duplex end', async () => {
    const [ours, theirs] = aioduplex();
    const child = startProcess(copyStdin, { stdin: theirs, stdout: theirs, stderr: 'ignore' });
    await using stream = ours.open();
    await stream.writer.write('there');
    await stream.writer.close();
    expect(String(await stream.reader.read())).toBe('out there');
    await child.join();
  });

  test('one pipe for stdout and stderr', async () => {
    const child = startProcess(copyStdin, { stdin: 'pipe', stdout: 'pipe', stderr: 'stdout' });
    await feed(child.stdin, 'x');
    expect((await all(child.stdout))?.split(/(?=err|out)/).sort()).toEqual(['err x', 'out x']);
    expect(child.stderr).toBeUndefined();
    await child.join();
    child.close();
  });

  test('and if a file cannot be opened, it throws, and nothing has moved', () => {
    const [rx, tx] = aiopipe();
    const before = openFds();
    const error = thrownBy(() =>
      startProcess(describeFds, { stdin: rx, stdout: 'pipe', stderr: { file: '/no/file' } }),
    );
    expect(error).toMatchObject({ code: 'ENOENT', path: '/no/file', cause: { code: 'ENOENT' } });
    expect(error.message).toMatch(/^cannot open "\/no\/file" as stderr of process describeFds: ENOENT/);
    expect([rx.state, fdsSince(before)]).toEqual(['owned', []]);
    rx.close();
    tx.close();
  });
});

test('two children can be a chain', async () => {
  const [rx, tx] = aiopipe();
  const first = startProcess(copyStdin, { stdin: 'pipe', stdout: tx, stderr: 'ignore' });
  const second = startProcess(copyStdin, { stdin: rx, stdout: 'pipe', stderr: 'ignore' });
  await feed(first.stdin, 'x');
  expect(await all(second.stdout)).toBe('out out x');
  await Promise.all([first.join(), second.join()]);
  first.close();
  second.close();
});

test('the handle’s close closes what was not read', async () => {
  const before = openFds();
  const child = startProcess(describeFds, { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
  await child.join();
  const { stdout, stderr } = child;
  const reader = stderr?.open();
  child.close();
  expect(fdsSince(before).filter((line) => line.includes('pipe:'))).toEqual([]);
  expect(stdout?.state).toBe('closed');
  expect(await errorOf(reader?.read() as Promise<unknown>)).toBeInstanceOf(ClosedError);
});

test.each(['stdin', 'stdout', 'stderr'] as const)('%s can be nothing else, and nothing moves then', (name) => {
  const [rx, tx] = aiopipe();
  const [argument, peer] = aiopipe();
  const wrong = name === 'stdin' ? tx : rx;
  const before = openFds();
  const children = childPids();
  for (const choice of ['overlapped', 5, null, {}, wrong, wrong.open, { file: '' }, { file: 'a', apend: true }]) {
    const error = thrownBy(() => startProcess(describeFds, { args: [argument], [name]: choice }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(name);
  }
  expect(fdsSince(before)).toEqual([]);
  expect(childrenSince(children)).toEqual([]);
  expect(argument.state).toBe('owned');
  expect(wrong.state).toBe('owned');
  for (const end of [rx, tx, argument, peer]) end.close();
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

test('an end cannot be stdin and an argument, and no end moves then', () => {
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

test('a value that cannot be sent is named also if stdin is an end', () => {
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
  await feed(child.stdin, 'x');
  expect((await all(rx))?.split(/(?=err|out)/).sort()).toEqual(['err x', 'out x']);
  await child.join();
  child.close();
});
