import { closeSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect, listen, serialize, type Hub, type Peer } from '@aiopipe/codec';
import { leakCheck, takeFds, until, noteWarnings } from '@aiopipe/testing';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { errorOf, frameOf } from '../channel/helpers.js';
import { echo, socketFolder, start } from './helpers.js';

const folder = socketFolder();
afterAll(leakCheck());

let paths = 0;
const newPath = () => join(folder, String(paths++));

const warnings = noteWarnings({ beforeEach, afterEach });

const isRoot = process.getuid?.() === 0;

describe.runIf(isRoot)('A client of another user', () => {
  test('is closed before a byte of its is read, and the next one is served', async () => {
    const hub = listen(newPath(), { mode: 0o666 });
    const program = start('connects-as-nobody', hub.path);
    expect(await program.line()).toBe('ready');
    const accepted = hub.accept();
    program.go();
    expect(await program.line()).toBe('["ERR_AIOPIPE_END_OF_STREAM"]');
    program.endInput();
    expect(await program.ended).toEqual([0, null]);
    const client = await connect(hub.path);
    const { channel, peer } = await accepted;
    expect(peer.uid).toBe(process.geteuid?.());
    client.close();
    channel.close();
    hub.close();
  });

  test('is served if `allow` says so, which is told who it is', async () => {
    const seen: Peer[] = [];
    const allow = (peer: Peer) => seen.push(peer) > 0 && peer.uid === 65534;
    const hub = listen(newPath(), { mode: 0o666, allow });
    const program = start('connects-as-nobody', hub.path);
    await program.line();
    program.go();
    const { channel, peer } = await hub.accept();
    expect(peer).toEqual({ pid: program.pid, uid: 65534, gid: 65534 });
    expect(seen).toEqual([peer]);
    await channel.put('welcome');
    expect(await program.line()).toBe('["welcome"]');
    program.endInput();
    await program.ended;
    channel.close();
    hub.close();
  });

  test('never reaches the socket of a mode that shuts it out, in 500 hubs', async () => {
    const path = newPath();
    const program = start('connects-as-nobody', path, 'always');
    await program.line();
    program.go();
    const before = process.umask(0);
    let reached = 0;
    const allow = () => ++reached > 0;
    for (let round = 0; round < 500; round++) {
      const hub = listen(path, { mode: 0o600, allow });
      await new Promise(setImmediate);
      await hub.accept({ timeout: 0 }).catch(() => undefined);
      hub.close();
    }
    process.umask(before);
    program.endInput();
    const codes = JSON.parse((await program.line()) ?? '') as string[];
    expect(codes).toContain('EACCES');
    expect(codes.filter((code) => !['EACCES', 'ENOENT', 'ECONNREFUSED'].includes(code))).toEqual([]);
    expect(reached).toBe(0);
    await program.ended;
  });
});

describe('`allow`', () => {
  /** Connects three clients, which are refused. */
  async function refuses(hub: Hub): Promise<void> {
    const accepted = errorOf(hub.accept());
    for (let i = 0; i < 3; i++) {
      const client = await connect(hub.path);
      void client.put('not to be read');
      expect(await errorOf(client.get())).toMatchObject({ code: 'ERR_AIOPIPE_END_OF_STREAM' });
      client[Symbol.dispose]();
    }
    hub.close();
    expect(await accepted).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
  }

  test('refuses by false, without a warning', async () => {
    await refuses(listen(newPath(), { allow: () => false }));
    expect(warnings).toEqual([]);
  });

  const fail = () => {
    throw new RangeError('out of luck');
  };
  const failLater = async () => {
    throw new Error('later');
  };
  const failBadly = () => {
    throw new Proxy({}, { get: fail, getPrototypeOf: fail, ownKeys: fail }) as Error;
  };
  // Each calls listen() in a line of its own: warnings count by the line.
  test.each<[how: string, make: (path: string) => Hub, message: string]>([
    ['throws', (path) => listen(path, { allow: fail }), 'threw RangeError: out of luck. The connection was refused'],
    [
      'throws what cannot be shown',
      (path) => listen(path, { allow: failBadly }),
      'threw an object that cannot be shown',
    ],
    [
      'returns a promise of true',
      (path) => listen(path, { allow: (async () => true) as never }),
      'returned a promise; it must return true or false',
    ],
    [
      'returns a promise that rejects',
      (path) => listen(path, { allow: failLater as never }),
      'returned a promise; it must return true or false',
    ],
    [
      'returns a value that is true to a condition',
      (path) => listen(path, { allow: (() => 'yes') as never }),
      "returned 'yes'; it must return true or false",
    ],
    ['returns nothing', (path) => listen(path, { allow: (() => undefined) as never }), 'returned undefined; it must'],
  ])('that %s refuses, and one warning tells', async (_, make, message) => {
    await refuses(make(newPath()));
    await until('the warning came', () => warnings.length > 0);
    expect(warnings.map(({ code }) => code)).toEqual(['AIOPIPE_ALLOW_FAILED']);
    expect(warnings[0]?.message).toMatch(/^hub at .* made at .*strangers\.test\.ts/);
    expect(warnings[0]?.message).toContain(`allow() ${message}`);
  });

  test('may close the hub', async () => {
    const path = newPath();
    const hub: Hub = listen(path, {
      allow: () => {
        hub.close();
        return true;
      },
    });
    const accepted = errorOf(hub.accept());
    const client = await connect(path);
    expect(await accepted).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
    expect(await errorOf(client.get())).toMatchObject({ code: 'ERR_AIOPIPE_END_OF_STREAM' });
    client.close();
  });

  test('may end the wait for the connection, which the next call gets', async () => {
    const controller = new AbortController();
    const hub: Hub = listen(newPath(), {
      allow: () => {
        controller.abort();
        return true;
      },
    });
    const accepted = errorOf(hub.accept({ signal: controller.signal }));
    const client = await connect(hub.path);
    expect(await accepted).toMatchObject({ code: 'ABORT_ERR' });
    const { channel } = await hub.accept();
    await client.put('kept');
    expect(await channel.get()).toBe('kept');
    client.close();
    channel.close();
    hub.close();
  });
});

describe('A client that', () => {
  /** A client that speaks no protocol. */
  async function raw(path: string): Promise<Socket> {
    const socket = connectSocket(path);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  async function isServed(path: string): Promise<void> {
    using client = await connect(path);
    await client.put('served');
    expect(await client.get()).toBe('served');
  }

  test('says nothing keeps no other one waiting', async () => {
    const hub = listen(newPath());
    const served = echo(hub);
    const silent = start('asks-at-a-path', hub.path, 'silent');
    await silent.line();
    silent.go();
    for (let i = 0; i < 10; i++) await isServed(hub.path);
    silent.kill('SIGKILL');
    await silent.ended;
    hub.close();
    await served;
  });

  test('floods is held back by its own socket, and others are served', async () => {
    const hub = listen(newPath());
    const flood = start('asks-at-a-path', hub.path, 'flood');
    await flood.line();
    const before = process.memoryUsage();
    flood.go();
    const { channel } = await hub.accept();
    const served = echo(hub);
    for (let i = 0; i < 100; i++) await isServed(hub.path);
    // Its messages are taken one by one, if at all.
    for (let i = 0; i < 200; i++) expect((await channel.get()) as Buffer).toHaveLength(1 << 20);
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(100 << 20);
    await isServed(hub.path);
    flood.kill('SIGKILL');
    await flood.ended;
    channel.close();
    hub.close();
    await served;
  });

  test.each<[what: string, bytes: Buffer, code: string]>([
    ['a frame over 16 MiB', Buffer.of(0x01, 0x00, 0x00, 0x01, 0), 'ERR_AIOPIPE_FRAME_TOO_LONG'],
    ['lists in lists, 1,001 deep', frameOf(serialize(nested(1001))), 'ERR_AIOPIPE_DECODE'],
    ['1,000,001 values', frameOf(serialize(Array(1_000_000).fill(0))), 'ERR_AIOPIPE_DECODE'],
    ['101 new symbols', frameOf(serialize(Array.from({ length: 101 }, freshSymbol))), 'ERR_AIOPIPE_DECODE'],
    ['no message', frameOf('GET / HTTP/1.1'), 'ERR_AIOPIPE_DECODE'],
  ])('sends %s breaks its own channel alone', async (_, bytes, code) => {
    const hub = listen(newPath());
    const client = await raw(hub.path);
    const { channel } = await hub.accept();
    client.write(bytes);
    expect(await errorOf(channel.get())).toMatchObject({ code });
    expect(channel.isClosed).toBe(true);
    client.destroy();
    const served = echo(hub);
    await isServed(hub.path);
    hub.close();
    await served;
  });

  test('sends what the defaults refuse is understood if the options allow it', async () => {
    const hub = listen(newPath(), { limits: { depth: Infinity, nodes: undefined } });
    const client = await connect(hub.path);
    const { channel } = await hub.accept();
    await client.put(nested(5000));
    expect(depthOf(await channel.get())).toBe(5000);
    await client.put(Array(1_000_000).fill(0));
    expect(await errorOf(channel.get())).toMatchObject({ code: 'ERR_AIOPIPE_DECODE' });
    client[Symbol.dispose]();
    hub.close();
  });

  test('has gone before it is accepted ends its stream', async () => {
    const hub = listen(newPath());
    const client = await connect(hub.path);
    await client.put('left behind');
    client.close();
    const { channel } = await hub.accept();
    expect(await channel.get()).toBe('left behind');
    expect(await errorOf(channel.get())).toMatchObject({ code: 'ERR_AIOPIPE_END_OF_STREAM' });
    channel.close();
    hub.close();
  });
});

function nested(depth: number): unknown {
  let value: unknown = [];
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

function depthOf(value: unknown): number {
  let depth = 0;
  while (Array.isArray(value) && value.length > 0) {
    [value] = value as unknown[];
    depth++;
  }
  return depth;
}

let symbols = 0;
const freshSymbol = () => Symbol.for(`stranger ${String(symbols++)}`);

describe('Without a free descriptor', () => {
  test('a hub waits, tells it once, and goes on', async () => {
    const hub = listen(newPath());
    const program = start('asks-at-a-path', hub.path);
    await program.line();
    const accepted = hub.accept();
    const taken = takeFds();
    program.go();
    await until('the warning came', () => warnings.length > 0);
    const before = process.cpuUsage();
    expect(await errorOf(hub.accept({ timeout: 300 }))).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    const { user, system } = process.cpuUsage(before);
    for (const fd of taken) closeSync(fd);
    const { channel } = await accepted;
    await channel.put('at last');
    expect(await program.line()).toBe('"at last"');
    await program.ended;
    channel.close();
    hub.close();
    expect((user + system) / 1000).toBeLessThan(150);
    expect(warnings).toMatchObject([{ code: 'AIOPIPE_ACCEPT_WAITS' }]);
    expect(warnings[0]?.message).toMatch(/^hub at .*: EMFILE: .*Connections wait until it can/);
  });

  test('a hub can be closed while it waits', async () => {
    const hub = listen(newPath());
    const program = start('asks-at-a-path', hub.path);
    await program.line();
    const accepted = errorOf(hub.accept());
    const taken = takeFds();
    program.go();
    await until('the warning came', () => warnings.length > 0);
    // Before the program ends: its pipes are free descriptors then.
    hub.close();
    for (const fd of taken) closeSync(fd);
    program.kill('SIGKILL');
    await program.ended;
    expect(await accepted).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
  });

  test('a connect and a listen reject at once', async () => {
    const hub = listen(newPath());
    const other = newPath();
    const taken = takeFds();
    const refused = errorOf(connect(hub.path));
    let code: unknown;
    try {
      listen(other);
    } catch (error) {
      ({ code } = error as { code?: unknown });
    }
    for (const fd of taken) closeSync(fd);
    expect(await refused).toMatchObject({ code: 'EMFILE' });
    expect(code).toBe('EMFILE');
    hub.close();
  });
});
