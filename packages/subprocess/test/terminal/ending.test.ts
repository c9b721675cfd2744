// How a program with a terminal ends: with its terminal, with stop(), and with us.
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { aiopipe } from '@aiopipe/core';
import { popen } from '@aiopipe/subprocess';
import { fixture, isRunning, leakCheck, runFixture, until } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { User } from './user.js';

afterAll(leakCheck());

const pidsOf = (line: string) => line.trim().split(/\s+/).map(Number);

/** A shell with two children, which shows all three pids. */
const FAMILY = 'sleep 1000 & one=$!; sleep 1000 & echo $$ $one $!; wait';

const nobodyRuns = (pids: number[]) => until('all have ended', () => !pids.some(isRunning));

describe('a terminal that is closed', () => {
  it('hangs up its program and what the program runs: SIGHUP, and nothing is left', async () => {
    const user = User.of(['sh', '-c', FAMILY]);
    const pids = pidsOf(await user.sees(/\d+ \d+ \d+\r\n/));
    expect(pids.every(isRunning)).toBe(true);
    await user.stream.close();
    expect(await user.program.wait()).toMatchObject({ exitCode: null, signalCode: 'SIGHUP' });
    await nobodyRuns(pids);
  });

  it('hangs up also if it was never opened', async () => {
    const p = popen(['sleep', '1000'], { terminal: { columns: 80, rows: 24 } });
    p.terminal.close();
    expect((await p.wait()).signalCode).toBe('SIGHUP');
  });

  it('hangs up a stopped program', async () => {
    const user = User.of(['sh', '-c', 'echo ready; kill -STOP $$; sleep 1000']);
    await user.sees('ready');
    await user.stream[Symbol.asyncDispose]();
    expect((await user.program.wait()).signalCode).toBe('SIGHUP');
  });

  it('stays open while one of reader and writer is', async () => {
    const [rx, tx] = aiopipe();
    await using user = User.of(['sh', '-c', 'echo ready; read -r line; echo "$line" >&9; sleep 1000'], {
      fds: { 9: tx },
    });
    await user.sees('ready');
    user.reader.close();
    await user.type('word\r');
    await using answer = rx.open();
    expect(String(await answer.readLine())).toBe('word\n');
    await user.stream.writer.close();
    expect((await user.program.wait()).signalCode).toBe('SIGHUP');
  });

  it('is closed when its program is disposed of, which then ends', async () => {
    let pids: number[];
    {
      await using user = User.of(['sh', '-c', `trap "" TERM; ${FAMILY}`]);
      pids = pidsOf(await user.sees(/\d+ \d+ \d+\r\n/));
    }
    await nobodyRuns(pids);
  });
});

describe('stop() of a program with a terminal', () => {
  it('sends SIGTERM to its group, and the stream ends', async () => {
    await using user = User.of(['sh', '-c', FAMILY]);
    const pids = pidsOf(await user.sees(/\d+ \d+ \d+\r\n/));
    expect((await user.program.stop()).signalCode).toBe('SIGTERM');
    expect(await user.rest()).toBe('');
    await nobodyRuns(pids);
  });

  it('sends SIGKILL to what is left after the grace period', async () => {
    await using user = User.of(['sh', '-c', `trap "" TERM HUP; ${FAMILY}`]);
    const pids = pidsOf(await user.sees(/\d+ \d+ \d+\r\n/));
    expect((await user.program.stop({ grace: 0 })).signalCode).toBe('SIGKILL');
    await nobodyRuns(pids);
  });
});

describe('a program with a terminal ends', () => {
  it('if this process is killed: it is hung up, also if it ignores SIGTERM', async () => {
    const { stdout, signal } = await runFixture('dies-with-terminals');
    expect(signal).toBe('SIGKILL');
    const pids = pidsOf(stdout);
    expect(pids).toHaveLength(3);
    await nobodyRuns(pids);
  });

  it('if the worker thread that started it is terminated', async () => {
    const { stdout, stderr } = await runFixture('terminal-in-a-worker');
    expect([stdout, stderr]).toEqual(['false\n', '']);
  });
});

const canMount =
  spawnSync('unshare', ['--mount', 'sh', '-c', 'mount -t devpts -o newinstance devpts /dev/pts'], { stdio: 'ignore' })
    .status === 0;

it.runIf(canMount)('if the system has no more terminals, the start fails with ENOSPC and leaves nothing', async () => {
  const script =
    'mount -t devpts -o newinstance,max=5,ptmxmode=0666 devpts /dev/pts && mount --bind /dev/pts/ptmx /dev/ptmx && exec "$0" "$@"';
  const words = ['--mount', 'sh', '-c', script, process.execPath, fixture('fills-dev-pts')];
  const { stdout } = await promisify(execFile)('unshare', words);
  expect(JSON.parse(stdout)).toEqual({
    count: 5,
    code: 'ENOSPC',
    message: expect.stringContaining('cannot make a terminal of cat') as string,
    left: [],
  });
});
