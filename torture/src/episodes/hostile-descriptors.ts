import { writeSync } from 'node:fs';
import { AiopipeError, aioduplex, aiopipe, type DuplexEnd } from '@aiopipe/core';
import { native } from '@aiopipe/core/internal';
import { ChannelReader, serialize } from '@aiopipe/codec';
import { openFds } from '@aiopipe/testing';
import { type World } from '../world.js';
import { type Episode } from './episode.js';

/** More than one message may have, and less than the descriptors of both ends would take. */
const MOST = 2048;

/** Sends bytes with this many descriptors, and keeps no copy of them. */
function send(to: DuplexEnd, bytes: Buffer, count: number): void {
  const pipes = Array.from({ length: count }, () => aiopipe());
  const numbers = Int32Array.from(pipes, ([rx]) => rx.fd);
  if (count === 0) writeSync(to.fd, bytes);
  else native().writeParts(to.fd, [bytes], 0, true, numbers);
  for (const [rx, tx] of pipes) {
    rx.close();
    tx.close();
  }
}

/** A message with a list of handles, right or lying. */
function withHandles(world: World): { bytes: Buffer; count: number } {
  const kinds = [
    'ReadEnd',
    'WriteEnd',
    'DuplexEnd',
    'Channel',
    'ChannelReader',
    'PipeReader',
    'Door',
    'constructor',
    7,
  ];
  const list = Array.from({ length: world.between(0, 3) }, () => [
    world.pick(kinds),
    world.pick([1, 1, 1, 0, 2, 3, -1, 0.5, 2 ** 40, 'x']),
    world.pick<unknown>([undefined, undefined, { settings: {} }, { ahead: Buffer.of(1), ended: false }, 'text']),
  ]);
  const handle = (index: number) => Buffer.from([0x1a, index]);
  const value = Buffer.concat([
    Buffer.from([0xa1, 0xb0 + list.length]),
    ...list.map((_, index) => handle(world.pick([index, index, index, 5]))),
  ]);
  const table = serialize(list);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(table.length + world.pick([0, 0, 0, 0, 1, 1000]));
  return { bytes: Buffer.concat([Buffer.from([0xa2]), value, table, length]), count: world.between(0, 4) };
}

function framed(payload: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(payload.length);
  return Buffer.concat([header, payload]);
}

export const hostileDescriptors: Episode = {
  about: 'descriptors of wrong kinds, too many, and lists of them that lie: all are closed',
  async run(world) {
    for (let round = 0; round < 200; round++) {
      world.at(`round ${String(round)}`);
      const [one, tap] = aioduplex({ bufferSize: 1 << 20 });
      using _tap = tap;
      using reader = ChannelReader.from(one);
      const before = openFds().size;
      for (let n = world.between(1, 4); n > 0 && !reader.isClosed; n--) {
        const { bytes, count } = withHandles(world);
        send(tap, world.between(0, 5) === 0 ? framed(serialize('plain')) : framed(bytes), count);
        world.fault('descriptors');
        await take(world, reader);
      }
      // One message without end, and descriptors with each byte of it.
      if (world.between(0, 19) === 0) {
        const header = Buffer.alloc(4);
        header.writeUInt32BE(1_000_000);
        if (!reader.isClosed) writeSync(tap.fd, header);
        for (let n = 0; n < 40 && !reader.isClosed; n++) {
          send(tap, Buffer.alloc(1), 100);
          await take(world, reader, 5);
        }
        world.fault('a flood of descriptors');
        world.check(openFds().size - before < MOST, `${String(openFds().size - before)} descriptors are held`);
      }
    }
  },
};

/** Takes a message, if one comes, and closes its handles. */
async function take(world: World, reader: ChannelReader, timeout = 1000): Promise<void> {
  if (reader.isClosed) return;
  try {
    const value = await reader.get({ timeout });
    for (const handle of Array.isArray(value) ? (value as unknown[]) : []) {
      if (typeof handle === 'object' && handle !== null && Symbol.dispose in handle)
        (handle as Disposable)[Symbol.dispose]();
      else if (typeof handle === 'object' && handle !== null && 'close' in handle)
        await (handle as { close(): unknown }).close();
    }
    world.count('messages');
  } catch (error) {
    world.check(error instanceof AiopipeError, `get(): ${String((error as Error).stack)}`);
  }
}
