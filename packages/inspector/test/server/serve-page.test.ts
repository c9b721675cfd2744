import { createServer, type AddressInfo } from 'node:net';
import { servePage, type ServePageOptions } from '@aiopipe/inspector';
import { leakCheck, noteWarnings, until } from '@aiopipe/testing';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, messages, messageWith } from '../http.js';

afterAll(leakCheck());

describe('servePage()', () => {
  const warnings = noteWarnings({ beforeEach, afterEach });

  it('serves the page of the program that calls it, until it is closed', async () => {
    const page = await servePage();
    expect(page.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/$/);
    expect(await ask(page.url)).toMatchObject({ status: 200, body: expect.stringContaining('aiopipe inspector') });
    const feed = messages(page.url);
    expect((await feed.next()).value).toMatchObject({ snapshot: { program: { pid: process.pid } }, status: '' });
    await page.close();
    await expect(feed.next()).rejects.toThrow();
    await expect(ask(page.url)).rejects.toThrow('ECONNREFUSED');
    await page.close();
  });

  it('shows what the program says of itself, as it is at each message', async () => {
    let done = 0;
    await using page = await servePage({ status: () => `${String(++done)} of many\ntwo lines` });
    expect(await messageWith(page.url, ({ status }) => status.startsWith('3 of'))).toMatchObject({
      status: '3 of many\ntwo lines',
    });
  });

  it('goes on if status() throws or says too much', async () => {
    let calls = 0;
    const status = () => {
      if (++calls === 1) throw new Error('not yet');
      return 'x'.repeat(5000);
    };
    await using page = await servePage({ status });
    expect((await messageWith(page.url, ({ status: text }) => text !== '')).status).toHaveLength(2000);
    await until('a warning tells of it', () => warnings.length > 0);
    expect(warnings[0]?.message).toContain('not yet');
  });

  it('has kill buttons if asked', async () => {
    await using mute = await servePage();
    await using armed = await servePage({ kill: true });
    const kill = (url: string) =>
      ask(`${url}kill`, {
        method: 'POST',
        headers: { Origin: new URL(url).origin },
        body: JSON.stringify({ pid: process.pid, signal: 'SIGTERM' }),
      });
    expect(await kill(mute.url)).toMatchObject({ status: 403, body: expect.stringContaining('kill: true') });
    // The program itself is none of its processes.
    expect(await kill(armed.url)).toMatchObject({ status: 404 });
    expect(await messageWith(mute.url, () => true)).toMatchObject({ canKill: false });
    expect(await messageWith(armed.url, () => true)).toMatchObject({ canKill: true });
  });

  it('takes the port that is asked for, and rejects if it is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    await expect(servePage({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await new Promise((resolve) => other.close(resolve));
    await using page = await servePage({ port });
    expect(new URL(page.url).port).toBe(String(port));
  });

  it.each([
    [{ prot: 1 }, 'prot: unknown option; expected port, kill, status'],
    [{ port: 70_000 }, 'port: expected a whole number from 0 to 65535, not 70000'],
    [{ port: '80' }, "port: expected a whole number from 0 to 65535, not '80'"],
    [{ kill: 1 }, 'kill: expected true or false, not 1'],
    [{ status: 'fine' }, "status: expected a function that returns a string, not 'fine'"],
    [null, 'options: expected an object, not null'],
  ])('refuses %j', (options, message) => {
    expect(() => servePage(options as ServePageOptions)).toThrow(new TypeError(message));
  });
});
