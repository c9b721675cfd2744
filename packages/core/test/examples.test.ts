import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, expect, test } from 'vitest';
import { fixture, leakCheck, openFds } from '@aiopipe/testing';
import { aioduplex, aiopipe } from '@aiopipe/core';

afterAll(leakCheck());

test('a child process has the write end, the parent the read end', async () => {
  const [rx, tx] = aiopipe();
  const { fd } = tx;

  const child = tx.detach((end) =>
    spawn(process.execPath, [fixture('says-hi')], { stdio: ['inherit', 'inherit', 'inherit', end.fd] }),
  );
  // The write end is in the child now, and detached from the parent.
  expect(openFds().has(fd)).toBe(false);

  let message: Buffer;
  const readFd = rx.fd;
  {
    await using stream = rx.open();
    message = await stream.readLine();
    expect(await stream.read()).toHaveLength(0);
  }
  expect(openFds().has(readFd)).toBe(false);
  if (child.exitCode === null) await once(child, 'exit');
  expect(message.toString()).toBe('hi from the child process\n');
  expect(child.exitCode).toBe(0);
});

test('a parent and a child share a duplex pipe', async () => {
  const [mainPipe, childPipe] = aioduplex();

  let child: ReturnType<typeof spawn>;
  {
    using end = childPipe.detach();
    child = spawn(process.execPath, [fixture('replies-in-capitals')], {
      stdio: ['inherit', 'inherit', 'inherit', end.fd],
    });
  }
  expect(childPipe.state).toBe('detached');

  let message: Buffer;
  {
    await using stream = mainPipe.open();
    const { reader, writer } = stream;
    const request = await reader.read(5);
    await writer.write(`${request.toString()} world\n`);
    message = await reader.readLine();
  }
  if (child.exitCode === null) await once(child, 'exit');
  expect(message.toString()).toBe('HELLO WORLD\n');
  expect(child.exitCode).toBe(0);
});
