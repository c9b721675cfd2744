import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { aioduplex, aiopipe, type DuplexEnd, ReadEnd, WriteEnd } from '@aiopipe/core';
import { Channel } from '@aiopipe/codec';
import { native } from '@aiopipe/core/internal';
import { carried } from './helpers.js';

afterAll(leakCheck());

const MIB = 1 << 20;

/** An end to send, its other side, and a duplicate of what is sent, as a hostile sender keeps one. */
interface Sent {
  readonly end: WriteEnd | DuplexEnd;
  readonly other: ReadEnd | DuplexEnd;
  readonly kept: number;
}

function pipe(): Sent {
  const [other, end] = aiopipe();
  return { end, other, kept: native().duplicate(end.fd) };
}

function duplex(): Sent {
  const [other, end] = aioduplex();
  return { end, other, kept: native().duplicate(end.fd) };
}

function fifo(): Sent {
  const directory = mkdtempSync(join(tmpdir(), 'aiopipe-'));
  const path = join(directory, 'fifo');
  execFileSync('mkfifo', [path]);
  const both = openSync(path, 'r+');
  const end = WriteEnd.fromFd(openSync(path, 'w'));
  const other = ReadEnd.fromFd(openSync(path, 'r'));
  native().close(both);
  rmSync(directory, { recursive: true });
  return { end, other, kept: native().duplicate(end.fd) };
}

/** Whether the loop comes round while the sender makes the description blocking again and again. */
async function comesRound(kept: number): Promise<void> {
  for (let i = 0; i < 20; i++) {
    native().setNonblocking(kept, 0);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a sender that keeps a duplicate and makes it blocking cannot hold up', () => {
  test.each([
    ['a pipe', pipe],
    ['a socket', duplex],
    ['a FIFO', fifo],
  ])('a write of 1 MiB to %s without a reader', async (_, make) => {
    const { end, other, kept } = make();
    const received = await carried<WriteEnd | DuplexEnd>(end);
    native().setNonblocking(kept, 0);
    const opened = received.open();
    const writer = 'writer' in opened ? opened.writer : opened;
    native().setNonblocking(kept, 0);
    const write = writer.write(Buffer.alloc(MIB, 'x'));
    await comesRound(kept);
    // The write goes on when the peer reads.
    const reading = other.open();
    const reader = 'reader' in reading ? reading.reader : reading;
    expect(await reader.readExactly(MIB)).toHaveLength(MIB);
    await write;
    await opened.close();
    await reading.close();
    native().close(kept);
  });

  test.each([
    ['a pipe', aiopipe],
    ['a socket', aioduplex],
  ])('a read from %s without a writer', async (_, make) => {
    const [end, other] = make();
    const kept = native().duplicate(end.fd);
    const received = await carried<ReadEnd | DuplexEnd>(end);
    const opened = received.open();
    const reader = 'reader' in opened ? opened.reader : opened;
    native().setNonblocking(kept, 0);
    const read = reader.read(1);
    await comesRound(kept);
    const writing = other.open();
    await ('writer' in writing ? writing.writer : writing).write('x');
    expect(String(await read)).toBe('x');
    await opened.close();
    await writing.close();
    native().close(kept);
  });

  test('a put of 5 MiB into a channel whose peer does not read, or a get from an empty one', async () => {
    const [one, other] = aioduplex();
    const kept = native().duplicate(other.fd);
    const here = Channel.from<unknown, Buffer>(one);
    const there = Channel.from<Buffer, unknown>(other);
    const received = await carried(there);
    const get = received.get();
    const put = received.put(Buffer.alloc(5 * MIB));
    await comesRound(kept);
    await here.put('answer');
    expect(await get).toBe('answer');
    expect(await here.get()).toHaveLength(5 * MIB);
    await put;
    here.close();
    received.close();
    native().close(kept);
  });
});
