// The system refuses to watch a descriptor: fs.epoll.max_user_watches, say.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aioduplex, DuplexEnd } from '@aiopipe/core';
import { Channel } from '@aiopipe/codec';
import { errorOf, fixture, turns } from '@aiopipe/testing';
import { expect, test } from 'vitest';

const canTrace =
  spawnSync('strace', ['-f', '--seccomp-bpf', '-o', '/dev/null', '-e', 'trace=epoll_ctl', 'true']).status === 0;

test.runIf(canTrace)('a get() or an accept() that cannot wait rejects, and the next one waits', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unwatched-'));
  const outcomes = Array.from({ length: 10 }, (_, n) => {
    const inject = ['-e', 'trace=epoll_ctl', '-e', `inject=epoll_ctl:error=ENOSPC:when=${String(n + 1)}`];
    const words = ['-f', '--seccomp-bpf', '-o', '/dev/null', ...inject, process.execPath];
    const program = [fixture('waits-unwatched'), join(folder, String(n))];
    const { stdout, signal } = spawnSync('strace', [...words, ...program], { encoding: 'utf8' });
    // libuv ends the process if the call fails within its loop.
    return signal === 'SIGABRT'
      ? 'an abort of libuv'
      : stdout.replaceAll('ERR_AIOPIPE_TIMEOUT', 'late').trim().split('\n').join(' ');
  });
  rmSync(folder, { recursive: true });
  expect(new Set(outcomes)).toEqual(
    new Set(['late late late late', 'ENOSPC late late late', 'late late ENOSPC late', 'an abort of libuv']),
  );
});

test('a put() that cannot wait rejects, and ends no program', async () => {
  const [one, other] = aioduplex({ bufferSize: 4096 });
  const fd = one.release();
  const stream = DuplexEnd.fromFd(fd).open();
  const reading = errorOf(stream.reader.read(1));
  await turns();
  const channel = Channel.from(DuplexEnd.fromFd(fd), { encoder: 'json', decoder: 'json' });
  expect(await errorOf(channel.put('x'.repeat(1_000_000)))).toMatchObject({ code: 'EEXIST' });
  channel[Symbol.dispose]();
  stream.writer.destroy();
  stream.reader[Symbol.dispose](); // the channel has closed the descriptor
  await reading;
  other.close();
});
