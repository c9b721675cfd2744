import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { connect, listen, registerCodec } from '@aiopipe/codec';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { errorOf, thrownBy } from '../channel/helpers.js';
import { socketFolder } from './helpers.js';

const folder = socketFolder();
afterAll(leakCheck());
const path = join(folder, 'hub');

registerCodec('rendezvous-text', { encode: (value) => Buffer.from(String(value)), decode: String });

describe('A path that no socket can have is refused by both calls, with the reason', () => {
  const limit = process.platform === 'linux' ? 107 : 103;
  test.each<[what: string, path: unknown, name: string, message: RegExp]>([
    ['no path', undefined, 'TypeError', /^path: expected a string, not undefined/],
    ['a number', 3, 'TypeError', /^path: expected a string, not 3/],
    ['a URL', new URL('file:///tmp/hub'), 'TypeError', /^path: expected a string, not file:/],
    ['an empty string', '', 'TypeError', /^path: expected a name, not an empty string/],
    ['a NUL', '/tmp/a\0b', 'TypeError', /^path: .* contains a NUL character/],
    ['an abstract name as Node.js has them', '\0hub', 'TypeError', /^path: .* contains a NUL character/],
    [
      'a path that is too long',
      `/${'x'.repeat(limit)}`,
      'RangeError',
      new RegExp(`^path: '/x+'?… \\(${String(limit + 1)} bytes\\): the system takes at most ${String(limit)} bytes`),
    ],
    [
      'as many characters that are more bytes',
      `/${'é'.repeat(60)}`,
      'RangeError',
      new RegExp(`\\(121 bytes\\): the system takes at most ${String(limit)} bytes`),
    ],
    [
      'a relative path that is too long as an absolute one',
      `./${'x'.repeat(limit - 10)}`,
      'RangeError',
      new RegExp(`which is \\d+ bytes as an absolute path: the system takes at most ${String(limit)} bytes`),
    ],
  ])('%s', async (_, path, name, message) => {
    for (const error of [thrownBy(() => listen(path as string)), await errorOf(connect(path as string))]) {
      expect(error.name).toBe(name);
      expect(error.message).toMatch(message);
    }
  });

  test('the longest path that a socket can have is served', async () => {
    const longest = join(folder, 'x'.repeat(limit - folder.length - 1));
    expect(Buffer.byteLength(longest)).toBe(limit);
    const hub = listen(longest);
    (await connect(longest)).close();
    hub.close();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('A wrong option throws an error that says what is valid', () => {
  test.each<[options: object, message: RegExp]>([
    [{ mod: 0o600 }, /^mod: unknown option; did you mean mode\?/],
    [{ backlock: 1 }, /^backlock: unknown option; did you mean backlog\?/],
    [{ limits: { nods: 1 } }, /^limits.nods: unknown option; did you mean nodes\?/],
    [{ timeout: 1 }, /^timeout: unknown option/],
    [{ mode: '600' }, /^mode: expected permissions from 0 to 0o777, such as 0o600, not '600'$/],
    [{ mode: 666 }, /^mode: expected permissions .*not 666; did you mean 0o666\?$/],
    [{ mode: 1000 }, /^mode: expected permissions .*not 1000$/],
    [{ mode: -1 }, /^mode: /],
    [{ mode: 0.5 }, /^mode: /],
    [{ backlog: 0 }, /^backlog: expected a whole number of connections/],
    [{ backlog: Infinity }, /^backlog: expected a whole number of connections/],
    [{ allow: true }, /^allow: expected a function of a peer, not true/],
    [{ encoder: 'no such codec' }, /^encoder: expected/],
    [{ maxFrameLength: 0 }, /^maxFrameLength: /],
    [{ decoder: 'json', limits: { nodes: 1 } }, /^limits: only the default decoder takes limits/],
  ])('of listen: %o', (options, message) => {
    expect(thrownBy(() => listen(path, options)).message).toMatch(message);
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each<[options: object, message: RegExp]>([
    [{ timout: 1 }, /^timout: unknown option; did you mean timeout\?/],
    [{ mode: 0o600 }, /^mode: unknown option/],
    [{ timeout: -1 }, /^timeout: expected milliseconds/],
    [{ signal: {} }, /^signal: expected an AbortSignal/],
    [{ queueLimit: 0 }, /^queueLimit: /],
    [{ limits: { depth: 'x' } }, /^limits.depth: expected a number/],
  ])('of connect: %o', async (options, message) => {
    expect((await errorOf(connect(path, options))).message).toMatch(message);
  });

  test('of accept: a misspelt one', async () => {
    const hub = listen(path);
    expect((await errorOf(hub.accept({ timout: 1 } as never))).message).toMatch(/did you mean timeout/);
    hub.close();
  });
});

describe('The options of channels', () => {
  test.each([
    ['json', 'json'],
    ['rendezvous-text', 'rendezvous-text'],
    [(value: unknown) => Buffer.from(String(value)), (bytes: Buffer) => String(bytes)],
  ])('apply to both ends: %o', async (encoder, decoder) => {
    const options = { encoder, decoder };
    const hub = listen(path, options);
    const client = await connect(path, options);
    const { channel } = await hub.accept();
    await client.put('text');
    expect(await channel.get()).toBe('text');
    for (const one of [client, channel, hub]) one.close();
  });

  test('a signal that is aborted already connects to nothing', async () => {
    const hub = listen(path);
    const error = await errorOf(connect(path, { signal: AbortSignal.abort() }));
    expect(error).toMatchObject({ code: 'ABORT_ERR', message: `connect to ${path}: the operation was aborted` });
    expect(await errorOf(hub.accept({ timeout: 0 }))).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    hub.close();
  });
});

test('a relative path after the working directory was removed is refused, with what to do', async () => {
  const script = `
    import { mkdtempSync, rmdirSync } from 'node:fs';
    import { connect, listen } from '@aiopipe/codec';
    const folder = mkdtempSync('/tmp/aiopipe-');
    process.chdir(folder);
    rmdirSync(folder);
    try { listen('hub'); } catch ({ code, message }) { console.log(code, message); }
    await connect('hub').catch(({ code, message }) => console.log(code, message));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  const line = /^ENOENT .*path 'hub': the working directory was removed; give an absolute path/;
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(2);
  for (const each of lines) expect(each).toMatch(line);
});
