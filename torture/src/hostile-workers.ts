// Tasks of a pool that misuse their worker's descriptors.
import { constants, openSync, readdirSync, readlinkSync, writeSync } from 'node:fs';
import { serialize } from '@aiopipe/codec';
import { target } from '@aiopipe/process';
import { randomFrom } from '@aiopipe/testing';

/** A worker's control channel. */
const CONTROL = 3;

function descriptors(kind: 'socket' | 'pipe'): number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => fd > CONTROL && whatIs(fd).startsWith(`${kind}:`));
}

function whatIs(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${String(fd)}`);
  } catch {
    return ''; // the descriptor of the listing
  }
}

/** The number of the task that runs. */
function ownNumber(): number {
  const current = (globalThis as unknown as Record<symbol, { task: { number: number } }>)[
    Symbol.for('@aiopipe/process.task')
  ];
  return current?.task.number ?? 0;
}

function say(message: unknown): void {
  const payload = serialize(message);
  const header = Buffer.alloc(4);
  header.writeUInt32BE(payload.length);
  // The channel to the pool is the worker's only other socket.
  for (const fd of descriptors('socket')) writeSync(fd, Buffer.concat([header, payload]));
}

function fillClaims(): void {
  const pipes = descriptors('pipe');
  // The worker has both ends of libuv's own pipes, but only one end of the claims.
  const claims = pipes.find((fd) => pipes.filter((other) => whatIs(other) === whatIs(fd)).length === 1);
  const writer = openSync(`/proc/self/fd/${String(claims)}`, constants.O_WRONLY | constants.O_NONBLOCK);
  for (let room = 16; room > 0; room--) writeSync(writer, Buffer.alloc(4096, 0xee));
}

/** A task without a seed returns its value. A task with a seed sends forged messages first, and then returns or not. */
export const misbehaves = target(import.meta.url, 'misbehaves', async (value: number, seed?: number) => {
  if (seed === undefined) return value;
  const random = randomFrom(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const [ready, good, bad, item, heard] = [1, 2, 3, 4, 5];
  const forged = -1;
  for (let n = pick([1, 1, 2, 20]); n > 0; n--) {
    const number = ownNumber() + pick([0, 0, 0, 1, 3, -1]);
    const kind = pick([ready, good, bad, item, heard, 99, 'text']);
    try {
      if (pick([0, 1, 2, 3, 4]) === 0) fillClaims();
      else
        say(
          pick<unknown>([
            [kind, number, forged],
            [kind, number, forged],
            [kind],
            [kind, number],
            [good, number, forged],
            null,
            'text',
            [],
          ]),
        );
    } catch {
      break; // the pool has closed it, or it is full
    }
  }
  if (random() < 0.3) await new Promise(() => undefined);
  return value;
});
