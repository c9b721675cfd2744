import { writeSync } from 'node:fs';
import { serialize } from '@aiopipe/codec';
import { target } from '@aiopipe/process';
import { randomFrom } from '@aiopipe/testing';

export const echo = target(import.meta.url, 'echo', (value: number) => value);

/** A child's control channel. */
const CONTROL = 3;

const KINDS = ['idle', 'no-start', 'started', 'ready', 'pong', 'result', 'error', 'uncaught', 'nonsense', undefined];

/** Writes frames of its own to its control channel, right ones and wrong ones, at random moments. */
export const saysAnything = target(import.meta.url, 'saysAnything', async (seed: number) => {
  const random = randomFrom(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  for (let n = Math.floor(random() * 6); n >= 0; n--) {
    const message = pick<unknown>([
      { kind: pick(KINDS), of: pick([0, 1, 'x', undefined]), id: pick([0, 1, -1]), value: pick([1, null]) },
      pick([null, 1, 'text', [], new Map()]),
    ]);
    const payload = serialize(message).subarray(pick([0, 0, 1]));
    const header = Buffer.alloc(4);
    header.writeUInt32BE(payload.length + pick([0, 0, 0, 1, 1_000_000_000]));
    try {
      writeSync(CONTROL, Buffer.concat([header, payload]).subarray(0, pick([1_000_000, 3, 6])));
    } catch {
      return; // the parent has closed it, or the pipe is full
    }
    if (random() < 0.5) await new Promise((resolve) => setTimeout(resolve, random() * 20));
  }
});
