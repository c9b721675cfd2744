import { createServer } from 'node:net';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { ask, type RequestOptions } from '../http.js';
import { Program, underInspector } from '../program.js';

/** The environment of a program that starts nothing. */
const NONE = { COUNT: '0' };

afterAll(leakCheck());

const { start } = underInspector();

/** It is the system's to allow, and another program may have it. */
const canUsePort80 = await new Promise<boolean>((resolve) => {
  const server = createServer();
  server.once('error', () => {
    resolve(false);
  });
  server.listen(80, '127.0.0.1', () => {
    server.close(() => {
      resolve(true);
    });
  });
});

describe('the server', () => {
  it('serves the page to the URL that the program has printed, and lets it load nothing else', async () => {
    const url = await start('many-processes', NONE);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/$/);
    const page = await ask(url);
    expect(page).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
    expect(page.headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringMatching(
        /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'$/,
      ),
    });
    expect(page.headers).not.toHaveProperty('access-control-allow-origin');
    for (const [, name] of page.body.matchAll(/(?:src|href)="\.\/([^"]+)"/g)) {
      expect(await ask(`${url}${String(name)}`), name).toMatchObject({ status: 200 });
    }
    expect(await ask(url.slice(0, -1))).toMatchObject({ status: 308 });
  });

  it('has another token in each program', async () => {
    const first = await start('many-processes', NONE);
    const other = new Program('many-processes', NONE);
    const second = await other.url();
    expect(await other.end()).toBe(0);
    expect(new URL(first).pathname).not.toBe(new URL(second).pathname);
  });

  it('refuses requests without the token', async () => {
    const url = new URL(await start('many-processes', NONE));
    const token = url.pathname.slice(1, -1);
    const otherFirst = `${token.startsWith('x') ? 'y' : 'x'}${token.slice(1)}`;
    for (const path of ['', token.slice(1), `${token}x`, otherFirst, token.toUpperCase(), '%00']) {
      for (const file of ['', '/', '/events', '/main.js', '/kill']) {
        const answer = await ask(`${url.origin}/${path}${file}`);
        expect(answer, `${path}${file}`).toMatchObject({ status: 403 });
        expect(answer.body).not.toContain(token);
      }
    }
  });

  it('refuses other hosts, other origins and other sites, also with the token', async () => {
    const url = await start('many-processes', { ...NONE, AIOPIPE_INSPECTOR_KILL: '1' });
    const { host, port, origin } = new URL(url);
    const refused: RequestOptions['headers'][] = [
      { Host: `evil.example:${port}` },
      { Host: `localhost:${port}` },
      { Host: '127.0.0.1' },
      { Host: host, Origin: 'http://evil.example' },
      { Host: host, Origin: 'null' },
      { Host: host, Origin: `http://127.0.0.1:1` },
      { Host: host, 'Sec-Fetch-Site': 'cross-site' },
      { Host: host, 'Sec-Fetch-Site': 'same-site' },
    ];
    for (const headers of refused) {
      for (const file of ['', 'events', 'style.css']) {
        const options = headers === undefined ? {} : { headers };
        expect(await ask(`${url}${file}`, options), JSON.stringify(headers)).toMatchObject({ status: 403 });
      }
    }
    expect(await ask(url, { headers: { Origin: origin, 'Sec-Fetch-Site': 'same-origin' } })).toMatchObject({
      status: 200,
    });
  });

  it.skipIf(!canUsePort80)('answers at port 80, which browsers leave out of the host and the origin', async () => {
    const url = await start('many-processes', { ...NONE, AIOPIPE_INSPECTOR_PORT: '80' });
    const headers = { Host: '127.0.0.1', Origin: 'http://127.0.0.1' };
    expect(await ask(url, { headers })).toMatchObject({ status: 200 });
  });

  it('serves no other file, and by no other method', async () => {
    const url = await start('many-processes', NONE);
    for (const path of ['no.js', '../index.js', '%2e%2e/index.js', 'uplot.LICENSE', 'main.js/', 'tsconfig.json']) {
      expect((await ask(`${url}${path}`)).status, path).toBeGreaterThanOrEqual(403);
    }
    const { origin } = new URL(url);
    expect(await ask(url, { method: 'POST', headers: { Origin: origin } })).toMatchObject({
      status: 405,
      headers: { allow: 'GET' },
    });
    expect(await ask(`${url}kill`)).toMatchObject({ status: 405, headers: { allow: 'POST' } });
  });
});
