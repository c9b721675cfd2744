import { existsSync } from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, describe, expect, test } from 'vitest';
import { closeFd, fdsSince, leakCheck, openFds, readFrom, writeTo } from '@aiopipe/testing';
import {
  aioduplex,
  aiopipe,
  AsyncFile,
  BusyError,
  ClosedError,
  DuplexEnd,
  MovedError,
  type PipeReader,
  type PipeWriter,
  ReadEnd,
  SystemError,
  WriteEnd,
} from '@aiopipe/core';
import { HANDLE, isHandle, move } from '@aiopipe/core/internal';
import { readAllSync, thrownBy } from '../helpers.js';

afterAll(leakCheck());

const isOpen = (fd: number) => openFds().has(fd);

describe('aiopipe', () => {
  test('makes a pipe: what goes into the second end comes out of the first', () => {
    const [read, write] = aiopipe();
    expect(read).toBeInstanceOf(ReadEnd);
    expect(write).toBeInstanceOf(WriteEnd);
    writeTo(write.fd, 'through');
    write.close();
    expect(readAllSync(read.fd).toString()).toBe('through');
    read.close();
  });

  test('makes both ends close-on-exec, and blocking until they are opened', () => {
    const [rx, tx] = aiopipe();
    using _rx = rx;
    using _tx = tx;
    const lines = spawnSync('cat', [`/proc/${String(process.pid)}/fdinfo/${String(rx.fd)}`], {
      encoding: 'utf8',
    }).stdout;
    const flags = parseInt(/flags:\s*(\d+)/.exec(lines)?.[1] ?? '', 8);
    expect(flags & 0o2000000).not.toBe(0); // O_CLOEXEC
    expect(flags & 0o4000).toBe(0); // O_NONBLOCK
  });

  test('gives the pipe the capacity that was asked for', () => {
    const [rx, tx] = aiopipe({ capacity: 4096 });
    using _rx = rx;
    const writer = tx.open(); // non-blocking from now on
    expect(writeTo(tx.fd, Buffer.alloc(4096))).toBe(4096);
    expect(() => writeTo(tx.fd, 'x')).toThrow(); // EAGAIN
    writer.destroy();
  });

  test.each([0, -1, 1.5, NaN, Infinity, 2 ** 31, '4096' as unknown as number])('refuses %s as capacity', (capacity) => {
    expect(() => aiopipe({ capacity })).toThrow(TypeError);
    expect(() => aioduplex({ bufferSize: capacity })).toThrow(TypeError);
  });

  test('says which call failed when the system refuses', () => {
    const before = openFds();
    const error = thrownBy(() => aiopipe({ capacity: 2 ** 31 - 1 }));
    expect(error).toBeInstanceOf(SystemError);
    expect(error).toMatchObject({ syscall: 'pipe', name: 'SystemError' });
    expect(error['errno']).toBeLessThan(0);
    if (existsSync('/proc/sys/fs/pipe-max-size'))
      expect(error.message).toMatch(/the system allows \d+: fs\.pipe-max-size/);
    expect(fdsSince(before)).toEqual([]);
  });
});

describe('aioduplex', () => {
  test('makes two ends that each read what the other writes', () => {
    const [one, other] = aioduplex({ bufferSize: 65536 });
    using _one = one;
    using _other = other;
    expect(one).toBeInstanceOf(DuplexEnd);
    const buffer = Buffer.alloc(8);
    writeTo(one.fd, 'there');
    expect(buffer.toString('utf8', 0, readFrom(other.fd, buffer))).toBe('there');
    writeTo(other.fd, 'back');
    expect(buffer.toString('utf8', 0, readFrom(one.fd, buffer))).toBe('back');
  });
});

describe('state', () => {
  test('goes from owned to open to closed', async () => {
    const [rx, tx] = aiopipe();
    expect(rx.state).toBe('owned');
    const reader = rx.open();
    expect(rx.state).toBe('open');
    expect(isOpen(rx.fd)).toBe(true);
    reader.close();
    expect(rx.state).toBe('closed');
    expect(thrownBy(() => rx.fd)).toBeInstanceOf(ClosedError);
    expect(tx.state).toBe('owned');
    tx.close();
    expect(tx.state).toBe('closed');
  });

  test('of a duplex end is open until both of its streams are closed', async () => {
    const [one, other] = aioduplex();
    using _other = other;
    const { reader, writer } = one.open();
    reader.close();
    expect(one.state).toBe('open');
    await writer.close();
    expect(one.state).toBe('closed');
  });
});

describe('close', () => {
  test('closes at once', () => {
    const [rx, tx] = aiopipe();
    const { fd } = rx;
    rx.close();
    expect(isOpen(fd)).toBe(false);
    tx.close();
  });

  test('twice throws ClosedError that names the end and where it was made', () => {
    const [rx, tx] = aiopipe();
    rx.close();
    tx.close();
    const error = thrownBy(() => {
      rx.close();
    });
    expect(error).toBeInstanceOf(ClosedError);
    expect(error).not.toBeInstanceOf(MovedError);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED', name: 'ClosedError' });
    expect(error.message).toMatch(/read end made at .*end\.test\.ts/);
  });

  test('never closes a stranger that got the same number', () => {
    const [rx, tx] = aiopipe();
    const { fd } = rx;
    rx.close();
    const [stranger, other] = aiopipe();
    expect(stranger.fd).toBe(fd);
    expect(() => {
      rx.close();
    }).toThrow(ClosedError);
    rx[Symbol.dispose]();
    expect(isOpen(fd)).toBe(true);
    for (const end of [stranger, other, tx]) end.close();
  });

  test('of an open end closes its streams, unless something waits', async () => {
    const [rx, tx] = aiopipe();
    const reader = rx.open();
    const { fd } = rx;
    const waiting = reader.read(1);
    expect(
      thrownBy(() => {
        rx.close();
      }),
    ).toMatchObject({ code: 'ERR_AIOPIPE_BUSY' });
    writeTo(tx.fd, 'x');
    await waiting;
    rx.close();
    expect(isOpen(fd)).toBe(false);
    await expect(reader.read(1)).rejects.toThrow(ClosedError);
    expect(() => {
      rx.close();
    }).toThrow(ClosedError);
    tx.close();
  });

  test('is refused while bytes that were written are not with the kernel', async () => {
    const [rx, tx] = aiopipe();
    const writer = tx.open();
    void writer.write('gathered');
    expect(() => {
      tx.close();
    }).toThrow(BusyError);
    await writer.drain();
    tx.close();
    rx.close();
  });

  test('throws EBADF if other code has closed the descriptor', () => {
    const [rx, tx] = aiopipe();
    closeFd(rx.fd);
    expect(
      thrownBy(() => {
        rx.close();
      }),
    ).toMatchObject({ code: 'EBADF', syscall: 'close' });
    expect(rx.state).toBe('closed');
    tx.close();
  });
});

describe('disposal', () => {
  test('closes at the end of the scope, and never throws for an end that is closed', () => {
    const fds: number[] = [];
    {
      const [rx, tx] = aiopipe();
      using _rx = rx;
      using _tx = tx;
      fds.push(rx.fd, tx.fd);
      tx.close();
    }
    expect(fds.filter(isOpen)).toEqual([]);
  });

  test('throws nothing if other code has closed the descriptor', () => {
    const [rx, tx] = aiopipe();
    closeFd(rx.fd);
    rx[Symbol.dispose]();
    const writer = tx.open();
    closeFd(tx.fd);
    tx[Symbol.dispose]();
    expect([rx.state, tx.state, writer.unflushed]).toEqual(['closed', 'closed', 0]);
  });

  test('of a stream throws nothing if other code has closed the descriptor', async () => {
    const pipes = [aiopipe(), aiopipe(), aiopipe()] as const;
    const fds = pipes.flat().map(({ fd }) => fd);
    const readers = pipes.map(([rx]) => rx.open());
    const writers = pipes.map(([, tx]) => tx.open());
    const [input, output] = [new AsyncFile(readers[2] as PipeReader), new AsyncFile(writers[2] as PipeWriter)];
    for (const fd of fds) closeFd(fd);
    readers[0]?.[Symbol.dispose]();
    writers[0]?.destroy();
    await readers[1]?.[Symbol.asyncDispose]();
    await writers[1]?.[Symbol.asyncDispose]();
    await input[Symbol.asyncDispose]();
    await output[Symbol.asyncDispose]();
    expect(pipes.flat().map(({ state }) => state)).toEqual(Array(6).fill('closed'));
  });

  test('of an open end rejects what waits with ClosedError', async () => {
    const [rx, tx] = aiopipe();
    const reader = rx.open();
    const waiting = reader.read(1);
    rx[Symbol.dispose]();
    await expect(waiting).rejects.toThrow(ClosedError);
    expect(rx.state).toBe('closed');
    rx[Symbol.dispose]();
    tx.close();
  });

  test('of an open duplex end rejects both directions', async () => {
    const [one, other] = aioduplex();
    const { reader, writer } = one.open();
    const waits = [reader.read(), writer.write(Buffer.alloc(4 << 20))];
    one[Symbol.dispose]();
    for (const wait of waits) await expect(wait).rejects.toThrow(ClosedError);
    other.close();
  });
});

describe('release', () => {
  test('hands the number over, open, and the end says so', () => {
    const [rx, tx] = aiopipe();
    const fd = rx.release();
    expect(isOpen(fd)).toBe(true);
    expect(rx.state).toBe('moved');
    const error = thrownBy(() => rx.fd);
    expect(error).toBeInstanceOf(MovedError);
    expect(error).toBeInstanceOf(ClosedError);
    expect(error.message).toMatch(/release\(\)/);
    expect(error.code).toBe('ERR_AIOPIPE_MOVED');
    rx[Symbol.dispose]();
    expect(isOpen(fd)).toBe(true);
    closeFd(fd);
    tx.close();
  });

  test('of an open end throws BusyError', () => {
    const [rx, tx] = aiopipe();
    const reader = rx.open();
    expect(() => rx.release()).toThrow(BusyError);
    reader.close();
    expect(() => rx.release()).toThrow(ClosedError);
    tx.close();
  });
});

describe('detach', () => {
  test('lends the number for the scope, then the fd is closed', () => {
    const [rx, tx] = aiopipe();
    let fd: number;
    {
      using child = tx.detach();
      ({ fd } = child);
      expect(isOpen(fd)).toBe(true);
      expect(tx.state).toBe('detached');
    }
    expect(isOpen(fd)).toBe(false);
    rx.close();
  });

  test('with a callback returns its result and closes the fd', () => {
    const [rx, tx] = aiopipe();
    const fd = tx.detach((child) => child.fd);
    expect(isOpen(fd)).toBe(false);
    rx.close();
  });

  test('closes the fd though the callback throws', () => {
    const [rx, tx] = aiopipe();
    const { fd } = tx;
    expect(() =>
      tx.detach(() => {
        throw new Error('could not start');
      }),
    ).toThrow('could not start');
    expect(isOpen(fd)).toBe(false);
    rx.close();
  });

  test('refuses a callback that returns a promise, and swallows its rejection', () => {
    const [rx, tx] = aiopipe();
    const { fd } = tx;
    expect(() => tx.detach(() => Promise.reject(new Error('never seen')))).toThrow(TypeError);
    expect(isOpen(fd)).toBe(false);
    rx.close();
  });

  test.each([null, 5, 'spawn', {}])('refuses %s as callback, and changes nothing', (callback) => {
    const [rx, tx] = aiopipe();
    expect(() => tx.detach(callback as never)).toThrow(TypeError);
    expect(tx.state).toBe('owned');
    tx.close();
    rx.close();
  });

  test('makes every later use throw MovedError that says where the end went', () => {
    const [rx, tx] = aiopipe();
    tx.detach(() => undefined);
    const uses: (() => unknown)[] = [
      () => tx.fd,
      () => tx.open(),
      () => tx.release(),
      () => tx.detach(),
      () => {
        tx.close();
      },
    ];
    for (const use of uses) {
      const error = thrownBy(use);
      expect(error).toBeInstanceOf(MovedError);
      expect(error.message).toMatch(/write end made at .*detach\(\)/);
    }
    tx[Symbol.dispose]();
    rx.close();
  });

  test('the number is not to be had any more when the scope has ended', () => {
    const [rx, tx] = aiopipe();
    const child = tx.detach();
    child[Symbol.dispose]();
    child[Symbol.dispose]();
    expect(thrownBy(() => child.fd)).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
    rx.close();
  });

  test('of an open end throws BusyError', () => {
    const [rx, tx] = aiopipe();
    const reader = rx.open();
    expect(() => rx.detach()).toThrow(BusyError);
    expect(() => rx.open()).toThrow(BusyError);
    reader.close();
    tx.close();
  });

  test('gives the end to a program', async () => {
    const [rx, tx] = aiopipe();
    const child = tx.detach((end) =>
      spawn('sh', ['-c', 'echo from the program >&3'], { stdio: ['ignore', 'ignore', 'inherit', end.fd] }),
    );
    await using reader = rx.open();
    expect((await reader.read()).toString()).toBe('from the program\n');
    if (child.exitCode === null) await once(child, 'exit');
  });
});

describe('moving', () => {
  test('hands the descriptor out once, and the end says where it went', () => {
    const [rx, tx] = aiopipe();
    expect(isHandle(tx)).toBe(true);
    const moving = tx[HANDLE]();
    expect(moving.kind).toBe('WriteEnd');
    const { fds } = move(tx, 'process 123');
    expect(tx.state).toBe('moved');
    expect(thrownBy(() => tx.open()).message).toMatch(/handed to process 123/);
    expect(() => {
      moving.check();
    }).toThrow(MovedError);
    for (const fd of fds) fd.close();
    rx.close();
  });

  test('of an open end throws BusyError', () => {
    const [rx, tx] = aiopipe();
    const reader = rx.open();
    expect(() => {
      rx[HANDLE]().check();
    }).toThrow(BusyError);
    reader.close();
    tx.close();
  });
});
