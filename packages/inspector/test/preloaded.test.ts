import { createServer, type AddressInfo } from 'node:net';
import { leakCheck, runFixture, until } from '@aiopipe/testing';
import { afterAll, describe, expect, it, test } from 'vitest';
import { messages } from './http.js';
import { underInspector } from './program.js';

/** The environment of a program that starts nothing. */
const NONE = { COUNT: '0' };

afterAll(leakCheck());

const { run, start, program } = underInspector();

describe('the program', () => {
  it('ends while a page is open', async () => {
    const url = await start('many-processes', NONE);
    const page = messages(url);
    await page.next();
    expect(await program().end()).toBe(0);
    await page.return().catch(() => undefined);
  });

  it('goes on without a page if the port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    run('many-processes', { ...NONE, AIOPIPE_INSPECTOR_PORT: String(port) });
    await program().facts();
    await until('it says so', () => program().stderr.includes('aiopipe inspector: no page: listen EADDRINUSE'));
    await new Promise((resolve) => other.close(resolve));
  });

  it('serves the page on the port of AIOPIPE_INSPECTOR_PORT', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    await new Promise((resolve) => other.close(resolve));
    const url = await start('many-processes', { ...NONE, AIOPIPE_INSPECTOR_PORT: String(port) });
    expect(new URL(url).port).toBe(String(port));
  });

  it.each([
    ['AIOPIPE_INSPECTOR_PORT', '70000'],
    ['AIOPIPE_INSPECTOR_PORT', 'http'],
    ['AIOPIPE_INSPECTOR_KILL', 'yes'],
  ])('is not started with %s=%s', async (name, value) => {
    const execArgv = ['--import', '@aiopipe/inspector'];
    const { code, stderr } = await runFixture('starts-a-child', { execArgv, env: { ...process.env, [name]: value } });
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`TypeError: ${name}: expected .*, not "${value}"`));
  });

  it.each([
    ['an option', ['--import', '@aiopipe/inspector'], undefined],
    ['an option with =', ['--import=@aiopipe/inspector'], undefined],
    ['a path', ['--import', './dist/index.js'], undefined],
    ['NODE_OPTIONS', [], '--no-deprecation --import @aiopipe/inspector'],
    ['NODE_OPTIONS with two blanks', [], '--no-deprecation --import  @aiopipe/inspector'],
    ['NODE_OPTIONS with quotes', [], '--no-deprecation "--import=@aiopipe/inspector"'],
  ])('has one page, and its children load no inspector: by %s', async (_, execArgv, nodeOptions) => {
    const env = { ...process.env, ...(nodeOptions && { NODE_OPTIONS: nodeOptions }) };
    const { stdout, stderr, code } = await runFixture('starts-a-child', { execArgv, env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^aiopipe inspector: http:\S+\n$/) });
    expect(JSON.parse(stdout)).toEqual({
      child: { execArgv: [], nodeOptions: nodeOptions && '--no-deprecation' },
      own: [],
    });
  });
});

test('a program that imports the package, and is not started with it, has no page', async () => {
  const { code, stdout, stderr } = await runFixture('takes-a-snapshot');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ processes: [], supervisors: [], pools: [], channels: [], chains: [] });
});
