import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, fstatSync, openSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { collectGarbage, fixture, leakCheck } from '@aiopipe/testing';
import { aioduplex, aiopipe, AsyncFile, ClosedError, type AsyncFileSource } from '@aiopipe/core';
import { afterAll, describe, expect, test } from 'vitest';
import { errorOf, thrownBy, turns } from '../helpers.js';
import { scratchDirectory } from './helpers.js';

afterAll(leakCheck());

const { makeFifo, pathOf } = scratchDirectory();

const isOpen = (fd: number) => {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
};

describe('of the number of a descriptor', () => {
  test('reads, or writes, and closes the number', async () => {
    const [rx, tx] = aiopipe();
    const [read, write] = [rx.release(), tx.release()];
    const [reading, writing] = [new AsyncFile(read), new AsyncFile(write)];
    expect(await writing.write('hello')).toBe(5);
    expect((await reading.read(10)).toString()).toBe('hello');
    expect(await errorOf(reading.write('x'))).toMatchObject({ code: 'ERR_AIOPIPE_WRONG_DIRECTION' });
    expect(await errorOf(writing.read(1))).toMatchObject({ code: 'ERR_AIOPIPE_WRONG_DIRECTION' });
    await reading.close();
    await writing.close();
    expect([isOpen(read), isOpen(write)]).toEqual([false, false]);
  });

  test('of a socket goes both ways', async () => {
    const [one, other] = aioduplex();
    const [a, b] = [new AsyncFile(one.release()), new AsyncFile(other.release())];
    await a.write('ping\n');
    expect((await b.readLine()).toString()).toBe('ping\n');
    await b.write('pong\n');
    expect((await a.readLine()).toString()).toBe('pong\n');
    await a.close();
    expect(await b.read()).toHaveLength(0);
    await b.close();
  });

  test('of a FIFO that is open both ways goes both ways, and others who share it don’t see its mode change', async () => {
    const path = makeFifo('both');
    const fd = openSync(path, 'r+');
    const child = spawn('sleep', ['10'], { stdio: ['ignore', 'ignore', fd] });
    await using file = new AsyncFile(fd);
    await file.write('round\n');
    expect((await file.readLine()).toString()).toBe('round\n');
    const flags = /flags:\s+(\d+)/.exec(readFileSync(`/proc/${String(child.pid)}/fdinfo/2`, 'utf8'))?.[1] ?? '';
    expect(parseInt(flags, 8) & constants.O_NONBLOCK).toBe(0);
    child.kill();
    await once(child, 'exit');
    rmSync(path);
  });

  test.each(['regular file', 'directory', 'device that is always ready'])('of a %s is refused', (what) => {
    const path = {
      'regular file': fixture('says-hi'),
      directory: pathOf('.'),
      'device that is always ready': '/dev/null',
    }[what];
    const fd = openSync(path as string, 'r');
    const error = thrownBy(() => new AsyncFile(fd));
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_NOT_POLLABLE' });
    expect(error.message).toMatch(/cannot be polled; use node:fs/);
    expect(isOpen(fd)).toBe(true);
    closeSync(fd);
  });

  test('that is none is refused', () => {
    expect(thrownBy(() => new AsyncFile(99_999))).toMatchObject({ code: 'EBADF' });
    for (const wrong of [-1, 1.5, NaN, 2 ** 32, undefined, null, {}, true, '/a/path']) {
      expect(
        thrownBy(() => new AsyncFile(wrong as AsyncFileSource)),
        String(wrong),
      ).toBeInstanceOf(TypeError);
    }
    expect(thrownBy(() => new AsyncFile('/a/path' as never)).message).toContain('AsyncFile.open()');
  });
});

describe('of a FileHandle', () => {
  test('of a FIFO takes over: the handle is closed, and can close nothing of ours', async () => {
    const path = makeFifo('handle');
    const [forReading, forWriting] = await Promise.all([open(path, 'r'), open(path, 'w')]);
    await using reading = new AsyncFile(forReading);
    const writing = new AsyncFile(forWriting);
    expect([forReading.fd, forWriting.fd]).toEqual([-1, -1]);
    expect(await errorOf(forReading.read())).toMatchObject({ code: 'EBADF' });
    await forReading.close();
    await collectGarbage();
    await writing.write('still here\n');
    expect((await reading.readLine()).toString()).toBe('still here\n');
    await writing.close();
    expect(await reading.read()).toHaveLength(0);
    rmSync(path);
  });

  test('leaves none behind for the garbage collector to close', async () => {
    const path = makeFifo('collected');
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const make = async () => new AsyncFile(await open(path, 'r+'));
    const file = await make();
    await collectGarbage();
    await file.write('x');
    expect((await file.read(1)).toString()).toBe('x');
    await file.close();
    await turns();
    process.off('warning', note);
    expect(warnings).toEqual([]);
    rmSync(path);
  });

  test('of a regular file is refused, and the handle can be used on', async () => {
    const handle = await open(fixture('says-hi'));
    expect(thrownBy(() => new AsyncFile(handle)).message).toMatch(/always ready.*use node:fs/);
    expect((await handle.readFile('utf8')).length).toBeGreaterThan(0);
    await handle.close();
    expect(thrownBy(() => new AsyncFile(handle))).toBeInstanceOf(ClosedError);
  });
});
