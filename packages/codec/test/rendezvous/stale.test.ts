import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { connect, listen } from '@aiopipe/codec';
import { fdsSince, fixture, leakCheck, openFds, randomFrom, until } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { errorOf, thrownBy } from '../channel/helpers.js';
import { echo, leaveStale, socketFolder, start } from './helpers.js';

const folder = socketFolder();
const hasPython = spawnSync('python3', ['--version']).status === 0;
afterAll(leakCheck());

async function answers(path: string): Promise<void> {
  using client = await connect(path);
  await client.put('?');
  expect(await client.get()).toBe('?');
}

describe('A stale file', () => {
  test('refuses clients, and is replaced by the next hub', async () => {
    const path = join(folder, 'replaced');
    leaveStale(path);
    expect(await errorOf(connect(path))).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect', path });
    const hub = listen(path);
    const served = echo(hub);
    await answers(path);
    hub.close();
    await served;
    expect(readdirSync(folder)).toEqual([]);
  });

  test('of a process that was killed is replaced', async () => {
    const path = join(folder, 'killed');
    const program = start('listens-at-a-path', path);
    expect(await program.line()).toBe('listening');
    expect(thrownBy(() => listen(path))).toMatchObject({ code: 'EADDRINUSE', syscall: 'bind', path });
    program.kill('SIGKILL');
    await program.ended;
    expect(statSync(path).isSocket()).toBe(true);
    const hub = listen(path);
    (await connect(path)).close();
    hub.close();
  });

  test('of a thread that was terminated is replaced, and its descriptors are closed', async () => {
    const path = join(folder, 'thread');
    const before = openFds();
    for (let round = 0; round < 5; round++) {
      const worker = new Worker(fixture('listens-at-a-path'), { argv: [path], stdout: true });
      await once(worker.stdout, 'data');
      await answers(path);
      const client = await connect(path);
      await worker.terminate();
      expect(await errorOf(client.get())).toMatchObject({ code: 'ERR_AIOPIPE_END_OF_STREAM' });
      client.close();
    }
    expect(fdsSince(before)).toEqual([]);
    listen(path).close();
  });

  test('is replaced beside the lock file that a killed listener left', () => {
    const path = join(folder, 'locked');
    leaveStale(path);
    writeFileSync(`${path}.lock`, '');
    listen(path).close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is not replaced if its lock cannot be had, which the error names', () => {
    const path = join(folder, 'unlockable');
    leaveStale(path);
    mkdirSync(`${path}.lock`);
    expect(thrownBy(() => listen(path))).toMatchObject({ code: 'EISDIR', syscall: 'flock', path: `${path}.lock` });
    expect(statSync(path).isSocket()).toBe(true);
  });

  test('is replaced, and a file with bytes in the place of its lock stays', () => {
    const path = join(folder, 'with-notes');
    leaveStale(path);
    writeFileSync(`${path}.lock`, 'notes');
    listen(path).close();
    expect(readFileSync(`${path}.lock`, 'utf8')).toBe('notes');
  });
});

describe('A path is left alone', () => {
  test.each<[what: string, make: (path: string) => void]>([
    ['a regular file', (path) => writeFileSync(path, 'of a user')],
    ['an empty file', (path) => writeFileSync(path, '')],
    ['a folder', (path) => mkdirSync(path)],
    ['a link to nothing', (path) => symlinkSync('nowhere', path)],
    [
      'a link to a stale socket',
      (path) => {
        leaveStale(`${path}-target`);
        symlinkSync(`${path}-target`, path);
      },
    ],
  ])('with %s', (what, make) => {
    const path = join(folder, what.replaceAll(' ', '-'));
    make(path);
    const before = readdirSync(folder);
    expect(thrownBy(() => listen(path))).toMatchObject({
      code: 'EADDRINUSE',
      message: expect.stringContaining('a file that is no socket is there') as unknown,
    });
    expect(readdirSync(folder)).toEqual(before);
  });

  test('with another program’s listener, which notices nothing', async () => {
    const path = join(folder, 'of-another');
    const server = createServer();
    let connections = 0;
    server.on('connection', () => connections++).listen(path);
    await once(server, 'listening');
    expect(thrownBy(() => listen(path)).message).toMatch(/another process listens there/);
    const client = await connect(path);
    await once(server, 'connection');
    expect(connections).toBe(1);
    client.close();
    server.close();
    await once(server, 'close');
  });

  test.runIf(hasPython)('with a socket of another type that a process has', async () => {
    const path = join(folder, 'datagrams');
    const script = `import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1])
input()`;
    const child = spawn('python3', ['-c', script, path], { stdio: ['pipe', 'inherit', 'inherit'] });
    await until('it is bound', () => existsSync(path));
    expect(thrownBy(() => listen(path))).toMatchObject({ code: 'EADDRINUSE' });
    expect(await errorOf(connect(path))).toMatchObject({ code: 'EPROTOTYPE' });
    child.stdin.end('\n');
    await once(child, 'close');
  });

  test('in a folder that is not there', () => {
    const path = join(folder, 'no/such/folder');
    expect(thrownBy(() => listen(path))).toMatchObject({
      code: 'ENOENT',
      syscall: 'bind',
      path,
      message: expect.stringContaining('make its folder first') as unknown,
    });
  });
});

describe('Of listeners that start at once', () => {
  test.each([
    ['at stale files', true],
    ['at free paths', false],
  ])('exactly one gets each path, %s', async (_, isStale) => {
    const races = join(folder, `races-${String(isStale)}`);
    mkdirSync(races);
    const count = 500;
    if (isStale) for (let index = 0; index < count; index++) leaveStale(join(races, String(index)));
    const programs = Array.from({ length: 4 }, () => start('races-for-paths', races, String(count)));
    for (const program of programs) expect(await program.line()).toBe('ready');
    for (const program of programs) program.go();
    const won: number[] = [];
    for (const program of programs) {
      const result = JSON.parse((await program.line()) ?? '') as { won: number[]; codes: string[] };
      won.push(...result.won);
      expect(result.codes.filter((code) => code !== 'EADDRINUSE')).toEqual([]);
    }
    expect(won.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index));
    // The winner is the one that clients reach.
    for (let index = 0; index < count; index++) (await connect(join(races, String(index)))).close();
    expect(readdirSync(races).filter((name) => name.endsWith('.lock'))).toEqual([]);
    for (const program of programs) program.endInput();
    for (const program of programs) await program.ended;
    expect(readdirSync(races)).toEqual([]);
  });
});

test('A listener that is killed at any moment leaves a path that the next one gets', async () => {
  const random = randomFrom(7);
  const killed = join(folder, 'at-any-moment');
  mkdirSync(killed);
  const path = join(killed, 'hub');
  for (let round = 0; round < 25; round++) {
    const program = start('replaces-stale-files', path);
    // It prints dots for ever: the end of the first read comes while it does anything.
    const spin = Math.floor(random() * 20_000_000);
    await program.started;
    for (let i = 0; i < spin; i++);
    program.kill('SIGKILL');
    await program.ended;
    const hub = listen(path);
    const served = echo(hub);
    await answers(path);
    hub.close();
    await served;
    expect(readdirSync(killed).filter((name) => name === 'hub')).toEqual([]);
  }
});

test('Clients find the listener again that is killed and started again', async () => {
  const path = join(folder, 'again');
  const codes = new Set<unknown>();
  let isOver = false;
  let answered = 0;
  const client = async () => {
    while (!isOver) {
      try {
        await answers(path);
        answered++;
      } catch (error) {
        codes.add((error as { code?: unknown }).code);
        await new Promise(setImmediate);
      }
    }
  };
  const clients = Array.from({ length: 10 }, client);
  for (let round = 0; round < 8; round++) {
    const program = start('listens-at-a-path', path);
    expect(await program.line()).toBe('listening');
    const enough = answered + 100;
    await until('clients were answered', () => answered >= enough);
    program.kill('SIGKILL');
    await program.ended;
  }
  isOver = true;
  await Promise.all(clients);
  // No file yet; no process; and a process that died with the connection, before or after it had read the message.
  const known = ['ENOENT', 'ECONNREFUSED', 'ERR_AIOPIPE_END_OF_STREAM', 'EPIPE'];
  expect([...codes].filter((code) => !known.includes(code as string))).toEqual([]);
});
