import { spawn } from 'node:child_process';
import { isRunning, leakCheck, until } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { ask, messageWith } from '../http.js';
import { underInspector } from '../program.js';

const KILL = { AIOPIPE_INSPECTOR_KILL: '1' };

afterAll(leakCheck());

const { start, program } = underInspector();

describe('the kill button', () => {
  const kill = (url: string, body: unknown, headers = { Origin: new URL(url).origin }) =>
    ask(`${url}kill`, { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });

  it('does nothing without AIOPIPE_INSPECTOR_KILL=1', async () => {
    const url = await start('busy-program', {});
    const { web } = await program().facts<{ web: number }>();
    expect(await kill(url, { pid: web, signal: 'SIGKILL' })).toMatchObject({ status: 403 });
    expect(isRunning(web)).toBe(true);
  });

  it('ends a process of the program', async () => {
    const url = await start('busy-program', KILL);
    const { web } = await program().facts<{ web: number }>();
    expect(await kill(url, { pid: web, signal: 'SIGTERM' })).toMatchObject({
      status: 200,
      body: `SIGTERM was sent to process ${String(web)}.\n`,
    });
    await until('it has ended', () => !isRunning(web));
    await until(
      'the program knows of it',
      async () => (await kill(url, { pid: web, signal: 'SIGTERM' })).status === 404,
    );
  });

  it('ends a process of a child', async () => {
    const url = await start('busy-program', KILL);
    const { web } = await program().facts<{ web: number }>();
    const find = ({ snapshot }: { snapshot: { processes: readonly { parent: number; pid: number }[] } }) =>
      snapshot.processes.find(({ parent }) => parent === web)?.pid;
    const inner = find(await messageWith(url, (message) => find(message) !== undefined)) as number;
    expect(await kill(url, { pid: inner, signal: 'SIGKILL' })).toMatchObject({ status: 200 });
    await until('it has ended', () => !isRunning(inner));
  });

  it('touches no process that is not below the program', async () => {
    const url = await start('busy-program', KILL);
    await program().facts();
    const stranger = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const ended = new Promise((resolve) => stranger.once('close', resolve));
    try {
      await messageWith(url, () => true);
      for (const pid of [stranger.pid, process.pid, program().pid, 1, 0, -1, 2 ** 31]) {
        expect(await kill(url, { pid, signal: 'SIGKILL' }), String(pid)).toMatchObject({ status: 404 });
      }
      expect(isRunning(stranger.pid as number)).toBe(true);
    } finally {
      stranger.kill();
      await ended;
    }
  });

  it('refuses requests that the page does not send', async () => {
    const url = await start('busy-program', KILL);
    const { web } = await program().facts<{ web: number }>();
    const bad = ['', '{', 'null', '[]', { pid: web }, { pid: `${String(web)}`, signal: 'SIGKILL' }];
    for (const body of [
      ...bad,
      { pid: web, signal: 'SIGSTOP' },
      { pid: web, signal: 9 },
      `{"pid":${'1'.repeat(2000)}`,
    ]) {
      expect(await kill(url, body), JSON.stringify(body)).toMatchObject({ status: 400 });
    }
    const order = { pid: web, signal: 'SIGKILL' };
    expect(await ask(`${url}kill`, { method: 'POST', body: JSON.stringify(order) })).toMatchObject({ status: 403 });
    expect(await kill(url, order, { Origin: 'http://evil.example' })).toMatchObject({ status: 403 });
    expect(isRunning(web)).toBe(true);
  });
});
