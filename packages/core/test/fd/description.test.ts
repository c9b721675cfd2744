import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { aioduplex, aiopipe, DuplexEnd, ReadEnd } from '@aiopipe/core';
import { describeFd, native } from '@aiopipe/core/internal';
import { leakCheck, thrownBy } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';

afterAll(leakCheck());

const fdOf = (object: unknown) => (object as { _handle: { fd: number } })._handle.fd;
const bothWays = { canRead: true, canWrite: true };
const noFlag = { canRead: false, canWrite: false, isLocal: false, isNonblocking: false };

describe('describeFd() tells', () => {
  test('the two ends of a pipe apart', () => {
    const [rx, tx] = aiopipe();
    expect(describeFd(rx.fd)).toEqual({ ...noFlag, kind: 'pipe', canRead: true });
    expect(describeFd(tx.fd)).toEqual({ ...noFlag, kind: 'pipe', canWrite: true });
    native().setNonblocking(tx.fd, 1);
    expect(describeFd(tx.fd)).toMatchObject({ isNonblocking: true });
    rx.close();
    tx.close();
  });

  test('a FIFO as a pipe, and files from terminals', () => {
    const directory = mkdtempSync(join(tmpdir(), 'aiopipe-'));
    execFileSync('mkfifo', [join(directory, 'fifo')]);
    const kinds = [join(directory, 'fifo'), directory, '/dev/null', '/dev/ptmx'].map((path) => {
      const fd = openSync(path, path === directory ? 'r' : 'r+');
      const what = describeFd(fd);
      closeSync(fd);
      return typeof what === 'number' ? what : what.kind;
    });
    expect(kinds).toEqual(['pipe', 'file', 'file', 'terminal']);
    rmSync(directory, { recursive: true });
  });

  test('a socket of this machine, one of the network, a listening one and one for datagrams', async () => {
    const [one, other] = aioduplex();
    expect(describeFd(one.fd)).toEqual({ ...noFlag, ...bothWays, kind: 'socket', isLocal: true });
    one.close();
    other.close();

    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    expect(describeFd(fdOf(server))).toMatchObject({ kind: 'listener', isLocal: false });
    await new Promise((resolve) => server.close(resolve));

    const local = createServer().listen('\0aiopipe-describe-' + String(process.pid));
    await once(local, 'listening');
    expect(describeFd(fdOf(local))).toMatchObject({ kind: 'listener', isLocal: true });
    await new Promise((resolve) => local.close(resolve));

    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const handle = (socket as unknown as Record<symbol, { handle: { fd: number } }>)[
      Object.getOwnPropertySymbols(socket).find((symbol) => symbol.description === 'state symbol') as symbol
    ];
    expect(describeFd(handle?.handle.fd ?? -1)).toMatchObject({ kind: 'datagram', isLocal: false });
    await new Promise<void>((resolve) => socket.close(resolve));
  });

  test('that a number is not open', () => {
    expect(describeFd(98_765)).toBe(-constants.errno.EBADF);
  });
});

test('a listening socket cannot become an end, and the error says why', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  for (const adopt of [ReadEnd, DuplexEnd]) {
    const error = thrownBy(() => adopt.fromFd(fdOf(server)));
    expect(error.code).toBe('ERR_AIOPIPE_WRONG_KIND');
    expect(error.message).toMatch(/^fd \d+ is a listening socket/);
  }
  await new Promise((resolve) => server.close(resolve));
});
