import { closeSync, fstatSync, openSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck, openFds } from '@aiopipe/testing';
import { AiopipeError, aioduplex, aiopipe, DuplexEnd, ReadEnd, WriteEnd } from '@aiopipe/core';
import { thrownBy, writeAll } from '../helpers.js';

afterAll(leakCheck());

const isOpen = (fd: number) => openFds().has(fd);

describe('fromFd', () => {
  test('adopts each kind of descriptor that can be waited for', async () => {
    const [rx, tx] = aiopipe();
    const read = ReadEnd.fromFd(rx.release());
    const write = WriteEnd.fromFd(tx.release());
    await using writer = write.open();
    await writer.write('adopted');
    await writer.close();
    await using reader = read.open();
    expect((await reader.read()).toString()).toBe('adopted');

    const [one, other] = aioduplex();
    using adopted = DuplexEnd.fromFd(one.release());
    using reading = ReadEnd.fromFd(other.release());
    writeAll(adopted.fd, Buffer.from('socket'));
    await using stream = reading.open();
    expect((await stream.read(9)).toString()).toBe('socket');
  });

  test.each([-1, 1.5, NaN, Infinity, 2 ** 32, '3', undefined, null])(
    'refuses %s, which is no number of a descriptor',
    (fd) => {
      for (const kind of [ReadEnd, WriteEnd, DuplexEnd]) expect(() => kind.fromFd(fd as number)).toThrow(TypeError);
    },
  );

  test('says that a number is not open', () => {
    const error = thrownBy(() => ReadEnd.fromFd(98765));
    expect(error).toMatchObject({ code: 'EBADF', syscall: 'fstat' });
    expect(error.message).toContain('98765');
  });

  test('refuses a descriptor that is open in the other direction only, and leaves it open', () => {
    const [rx, tx] = aiopipe();
    const wrong = thrownBy(() => WriteEnd.fromFd(rx.fd));
    expect(wrong).toBeInstanceOf(AiopipeError);
    expect(wrong.code).toBe('ERR_AIOPIPE_WRONG_DIRECTION');
    expect(wrong.message).toMatch(/open for reading only/);
    expect(thrownBy(() => ReadEnd.fromFd(tx.fd)).message).toMatch(/open for writing only/);
    expect([rx.fd, tx.fd].filter(isOpen)).toHaveLength(2);
    rx.close();
    tx.close();
  });

  test('refuses a pipe as a duplex end', () => {
    const [rx, tx] = aiopipe();
    expect(thrownBy(() => DuplexEnd.fromFd(rx.fd)).code).toBe('ERR_AIOPIPE_WRONG_KIND');
    rx.close();
    tx.close();
  });

  test('refuses a regular file, a directory and /dev/null, and names the remedy', () => {
    const file = join(tmpdir(), `aiopipe-end-${String(process.pid)}`);
    for (const [path, flags] of [
      [file, 'w+'],
      [tmpdir(), 'r'],
      ['/dev/null', 'r+'],
    ] as const) {
      const fd = openSync(path, flags);
      const error = thrownBy(() => ReadEnd.fromFd(fd));
      expect(error.code).toBe('ERR_AIOPIPE_NOT_POLLABLE');
      expect(error.message).toMatch(/node:fs/);
      expect(fstatSync(fd)).toBeDefined();
      closeSync(fd);
    }
    spawnSync('rm', [file]);
  });
});
