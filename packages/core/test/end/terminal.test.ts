// Ends and files over terminals.
import { aiopipe, AsyncFile, BrokenPipeError, DuplexEnd } from '@aiopipe/core';
import { describeFd, native } from '@aiopipe/core/internal';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { thrownBy, writeAll } from '../helpers.js';

afterAll(leakCheck());

/** Returns the master of a new pseudo-terminal, and the descriptor that a program would have. */
function makeTerminal(): [master: number, theirs: number] {
  const fds = new Int32Array(2);
  expect(native().terminal(fds, 80, 24)).toBe(0);
  return [...fds] as [number, number];
}

const isNonblocking = (fd: number) => (describeFd(fd) as { isNonblocking: boolean }).isNonblocking;

describe('a DuplexEnd over the master of a pseudo-terminal', () => {
  it('reads what is shown and writes what is typed, until the program closes its side', async () => {
    const [master, theirs] = makeTerminal();
    await using stream = DuplexEnd.fromFd(master).open();
    await using program = DuplexEnd.fromFd(theirs).open();
    await program.writer.write('shown\n');
    expect(String(await stream.reader.readLine())).toBe('shown\r\n');
    await stream.writer.write('typed\r');
    expect(String(await program.reader.readLine())).toBe('typed\n');
    // The echo.
    expect(String(await stream.reader.readLine())).toBe('typed\r\n');
    await program.writer.write('last\n');
    await program.close();
    expect(String(await stream.reader.read())).toBe('last\r\n');
    await expect(stream.writer.write('late').then(() => stream.writer.drain())).rejects.toThrow(BrokenPipeError);
  });

  it('can become an AsyncFile while it is open, with what was read ahead', async () => {
    const [master, theirs] = makeTerminal();
    writeAll(theirs, Buffer.from('one\ntwo\n'));
    const stream = DuplexEnd.fromFd(master).open();
    expect(String(await stream.reader.readLine())).toBe('one\r\n');
    const file = new AsyncFile(stream);
    expect(String(await file.readLine())).toBe('two\r\n');
    native().close(theirs);
    expect(await file.read()).toHaveLength(0);
    await file.close();
  });
});

describe('a DuplexEnd over the program’s side of a terminal', () => {
  it('leaves the mode of others who have it as it was', async () => {
    const [master, theirs] = makeTerminal();
    const ofOthers = native().duplicate(theirs);
    const stream = DuplexEnd.fromFd(theirs).open();
    await stream.writer.write('a\n');
    expect(isNonblocking(ofOthers)).toBe(false);
    await stream.close();
    native().close(ofOthers);
    await using seen = DuplexEnd.fromFd(master).open();
    expect(String(await seen.reader.read())).toBe('a\r\n');
  });
});

describe('an AsyncFile over the master of a pseudo-terminal', () => {
  it('gives what was shown, then the end of the stream', async () => {
    const [master, theirs] = makeTerminal();
    const file = new AsyncFile(master);
    writeAll(theirs, Buffer.from('one\ntwo\n'));
    native().close(theirs);
    expect(String(await file.readLine())).toBe('one\r\n');
    expect(String(await file.read())).toBe('two\r\n');
    expect(await file.read(1)).toHaveLength(0);
    await file.close();
  });
});

it('a pipe is still no DuplexEnd', () => {
  const [rx, tx] = aiopipe();
  expect(thrownBy(() => DuplexEnd.fromFd(rx.fd))).toMatchObject({
    code: 'ERR_AIOPIPE_WRONG_KIND',
    message: expect.stringContaining('is not a socket or a terminal: it cannot become a duplex end') as string,
  });
  rx.close();
  tx.close();
});
