import { channel, type Channel } from '@aiopipe/codec';
import { sharedMemory, type SharedMemory } from '@aiopipe/core';
import { startProcess, target } from '@aiopipe/process';
import { runLaps, type Laps } from '../harness/laps.js';

/** The memory of a row, and what its two sides do with it. */
export interface Frames {
  readonly size: number;
  /** How many segments go round. */
  readonly segments: number;
  /** Whether each message takes a segment along, or says whose turn one is that both sides keep. */
  readonly way: 'moved' | 'shared';
  /** Whether the producer copies each frame into the memory, and the consumer copies it out; otherwise they look at a byte of it. */
  readonly copied: boolean;
}

/** A segment, or the number of one that both sides have. */
type Message = SharedMemory | number;

function bytesOf(message: Message, shared: readonly SharedMemory[]): Buffer {
  return (typeof message === 'number' ? (shared[message] as SharedMemory) : message).bytes;
}

/** Hands memory to another process, and gets it back from there. A unit is the way of one segment there and back. */
export const ring = target(import.meta.url, 'ring', async (laps: Laps, spec: Frames) => {
  const [ours, theirs] = channel<Message>({ duplex: true });
  const segments = Array.from({ length: spec.segments }, () => {
    const memory = sharedMemory(spec.size);
    memory.bytes.fill(1);
    return memory;
  });
  const kept = spec.way === 'shared' ? segments : [];
  startProcess(consumer, { args: [theirs, kept.map((segment) => segment.share()), spec] });
  const free: Message[] = spec.way === 'shared' ? [...segments.keys()] : segments;
  const source = Buffer.alloc(spec.size, 2);
  const back = async () => {
    free.push(await ours.get());
  };
  await runLaps(laps, async (amount) => {
    for (let i = 0; i < amount; i++) {
      if (free.length === 0) await back();
      const message = free.shift() as Message;
      const bytes = bytesOf(message, kept);
      if (spec.copied) bytes.set(source);
      else bytes[0] = i;
      await ours.put(message);
    }
    while (free.length < spec.segments) await back();
  });
  ours.close();
});

const consumer = target(
  import.meta.url,
  'consumer',
  async (theirs: Channel<Message>, kept: SharedMemory[], spec: Frames) => {
    const sink = Buffer.alloc(spec.size);
    for await (const message of theirs) {
      const bytes = bytesOf(message, kept);
      if (spec.copied) sink.set(bytes);
      else sink[0] = bytes[0] as number;
      await theirs.put(message);
    }
  },
);
