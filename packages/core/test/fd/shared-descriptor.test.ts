import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aioduplex, aiopipe, DuplexEnd, ReadEnd, WriteEnd } from '@aiopipe/core';
import { native } from '@aiopipe/core/internal';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';

afterAll(leakCheck());

/** Whether the open file description behind a number is in non-blocking mode, for all who share it. */
function isNonblocking(fd: number): boolean {
  const flags = /flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${String(fd)}`, 'utf8'))?.[1] ?? '0';
  return (parseInt(flags, 8) & constants.O_NONBLOCK) !== 0;
}

describe('an adopted descriptor whose description others share', () => {
  test('of a pipe that is read does not become non-blocking for them', async () => {
    const [rx, tx] = aiopipe();
    const adopted = ReadEnd.fromFd(native().duplicate(rx.fd));
    const reader = adopted.open();
    const waiting = reader.read(1);
    expect(isNonblocking(rx.fd)).toBe(false);
    const writer = tx.open();
    await writer.write('x');
    expect((await waiting).toString()).toBe('x');
    reader.close();
    expect(isNonblocking(rx.fd)).toBe(false);
    await writer.close();
    rx.close();
  });

  test('of a pipe that is written to does not become non-blocking for them', async () => {
    const [rx, tx] = aiopipe();
    const writer = WriteEnd.fromFd(native().duplicate(tx.fd)).open();
    await writer.write('x');
    expect(isNonblocking(tx.fd)).toBe(false);
    await writer.close();
    tx.close();
    const reader = rx.open();
    expect((await reader.read()).toString()).toBe('x');
    reader.close();
  });

  test('of a pipe without a reader is blocking for them again once it is closed', () => {
    const [rx, tx] = aiopipe();
    rx.close();
    const writer = WriteEnd.fromFd(native().duplicate(tx.fd)).open();
    writer.destroy();
    expect(isNonblocking(tx.fd)).toBe(false);
    tx.close();
  });

  test('of a FIFO does not become non-blocking for them', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'aiopipe-'));
    const path = join(directory, 'fifo');
    execFileSync('mkfifo', [path]);
    const fd = openSync(path, 'r+');
    const reader = ReadEnd.fromFd(native().duplicate(fd)).open();
    const waiting = reader.read(1);
    expect(isNonblocking(fd)).toBe(false);
    const writer = WriteEnd.fromFd(native().duplicate(fd)).open();
    await writer.write('x');
    await waiting;
    expect(isNonblocking(fd)).toBe(false);
    reader.close();
    await writer.close();
    closeSync(fd);
    rmSync(directory, { recursive: true });
  });

  test('of a socket does not become non-blocking for them, even while something waits', async () => {
    const [a, b] = aioduplex();
    const duplex = DuplexEnd.fromFd(native().duplicate(a.fd)).open();
    const waiting = duplex.reader.read(1);
    expect(isNonblocking(a.fd)).toBe(false);
    const other = b.open();
    await other.writer.write('x');
    await waiting;
    expect(isNonblocking(a.fd)).toBe(false);
    await duplex.close();
    await other.close();
    a.close();
  });
});

test('an end that is not open is in blocking mode, so that what it is handed to finds it so', () => {
  const ends = [...aiopipe(), ...aioduplex()];
  expect(ends.map(({ fd }) => isNonblocking(fd))).toEqual([false, false, false, false]);
  for (const end of ends) end.close();
});
