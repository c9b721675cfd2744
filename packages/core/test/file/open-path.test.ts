import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { fixtureArgv, leakCheck, until } from '@aiopipe/testing';
import { AsyncFile, BrokenPipeError, TimeoutError, type AsyncFileFlags } from '@aiopipe/core';
import { afterAll, describe, expect, test } from 'vitest';
import { errorOf, isPending } from '../helpers.js';
import { scratchDirectory } from './helpers.js';

afterAll(leakCheck());

const { makeFifo, pathOf } = scratchDirectory();

describe('open', () => {
  test('of a FIFO without a writer does not block; its first read waits for one', async () => {
    const path = makeFifo('early');
    await using file = await AsyncFile.open(path);
    const read = file.read(10);
    expect(await isPending(read)).toBe(true);
    const writer = openSync(path, 'w');
    expect(await isPending(read)).toBe(true);
    writeSync(writer, 'first');
    expect((await read).toString()).toBe('first');
    closeSync(writer);
    expect(await file.read(10)).toHaveLength(0);
    rmSync(path);
  });

  test('of such a FIFO has timeouts, and an end if its writer wrote nothing', async () => {
    const path = makeFifo('silent');
    await using file = await AsyncFile.open(path);
    expect(await errorOf(file.read(10, { timeout: 1 }))).toBeInstanceOf(TimeoutError);
    expect(await errorOf(file.readLine(0, { timeout: 1 }))).toBeInstanceOf(TimeoutError);
    const all = file.read();
    closeSync(openSync(path, 'w'));
    expect(await all).toHaveLength(0);
    rmSync(path);
  });

  test('lets a program go on that waits for us to open the other side', async () => {
    const path = makeFifo('program');
    const program = spawn('sh', ['-c', 'echo through the fifo > "$1"', 'sh', path], { stdio: 'ignore' });
    await using file = await AsyncFile.open(path);
    expect((await file.read()).toString()).toBe('through the fifo\n');
    if (program.exitCode === null) await once(program, 'exit');
    rmSync(path);
  });

  test('of a FIFO for writing needs a reader, and says so', async () => {
    const path = makeFifo('unread');
    const error = await errorOf(AsyncFile.open(path, 'w'));
    expect(error).toMatchObject({ code: 'ENXIO', syscall: 'open', path });
    expect(error.message).toContain('no process has it open for reading yet');
    const reader = await AsyncFile.open(path);
    const writer = await AsyncFile.open(path, 'w');
    await writer.write('x');
    await reader.close();
    expect(await errorOf(writer.write('y'))).toBeInstanceOf(BrokenPipeError);
    await writer.close().catch(() => undefined);
    rmSync(path);
  });

  test('of a FIFO both ways never ends by itself', async () => {
    const path = makeFifo('round');
    await using file = await AsyncFile.open(path, 'r+');
    await file.write('x');
    expect((await file.read(5)).toString()).toBe('x');
    expect(await isPending(file.read(5, { timeout: 1000 }).catch(() => undefined))).toBe(true);
    rmSync(path);
  });

  test.each<AsyncFileFlags>(['r', 'w', 'r+'])(
    'of a regular file with %s is refused, and changes nothing',
    async (flags) => {
      const path = pathOf('regular');
      writeFileSync(path, 'contents');
      const error = await errorOf(AsyncFile.open(path, flags));
      expect(error).toMatchObject({ code: 'ERR_AIOPIPE_NOT_POLLABLE' });
      expect(error.message).toContain(path);
      expect(error.message).toMatch(/cannot be polled; use node:fs/);
      expect(readFileSync(path, 'utf8')).toBe('contents');
    },
  );

  test('makes no file', async () => {
    const path = pathOf('missing');
    for (const flags of ['r', 'w', 'r+'] as const) {
      expect(await errorOf(AsyncFile.open(path, flags))).toMatchObject({ code: 'ENOENT', syscall: 'open', path });
    }
    expect(readdirSync(pathOf('.'))).not.toContain('missing');
    expect(await errorOf(AsyncFile.open(path, 'a' as never))).toBeInstanceOf(TypeError);
    expect(await errorOf(AsyncFile.open(7 as never))).toBeInstanceOf(TypeError);
  });

  test('of the path of a socket says how to connect', async () => {
    const path = pathOf('listening');
    const server = createServer().listen(path);
    await once(server, 'listening');
    expect((await errorOf(AsyncFile.open(path, 'r+'))).message).toMatch(/is a socket: connect to it with node:net/);
    server.close();
    await once(server, 'close');
  });

  test('of a terminal reads and writes lines', async () => {
    const command = fixtureArgv('answers-on-its-terminal').join(' ');
    const terminal = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let seen = '';
    terminal.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    await until('the question', () => seen.includes('your name?'));
    terminal.stdin.write('World\n');
    await until('the answer', () => seen.includes('hello WORLD'));
    terminal.stdin.end();
    const [code] = (await once(terminal, 'close')) as [number];
    expect(seen).toContain('its mode is as before');
    expect(code).toBe(0);
  });
});
