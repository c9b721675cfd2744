import { channel, type Channel } from '@aiopipe/codec';
import { sharedMemory, type SharedMemory } from '@aiopipe/core';
import { startProcess, target } from '@aiopipe/process';
import { runLaps, type Laps } from '../harness/laps.js';

/** The memory of a row, and what its two sides do with it. */
export interface Frames {
  readonly size: number;
  /** How many segments go round. */
  readonly segments: number;
  /** Whether the producer copies each frame into the memory, and the consumer copies it out; otherwise they look at a byte of it. */
  readonly copied: boolean;
}

/** Moves memory to another process, and gets it back from there. A unit is the way of one segment there and back. */
export const ring = target(import.meta.url, 'ring', async (laps: Laps, spec: Frames) => {
  const [ours, theirs] = channel<SharedMemory>({ duplex: true });
  startProcess(consumer, { args: [theirs, spec] });
  const free = Array.from({ length: spec.segments }, () => {
    const memory = sharedMemory(spec.size);
    memory.bytes.fill(1);
    return memory;
  });
  const source = Buffer.alloc(spec.size, 2);
  const back = async () => {
    free.push(await ours.get());
  };
  await runLaps(laps, async (amount) => {
    for (let i = 0; i < amount; i++) {
      if (free.length === 0) await back();
      const memory = free.shift() as SharedMemory;
      if (spec.copied) memory.bytes.set(source);
      else memory.bytes[0] = i;
      await ours.put(memory);
    }
    while (free.length < spec.segments) await back();
  });
  ours.close();
});

const consumer = target(import.meta.url, 'consumer', async (theirs: Channel<SharedMemory>, spec: Frames) => {
  const sink = Buffer.alloc(spec.size);
  for await (const memory of theirs) {
    if (spec.copied) sink.set(memory.bytes);
    else sink[0] = memory.bytes[0] as number;
    await theirs.put(memory);
  }
});

/** The same with segments that both sides keep: messages say whose turn a segment is. */
export const sharedRing = target(import.meta.url, 'sharedRing', async (laps: Laps, spec: Frames) => {
  const [ours, theirs] = channel<number>({ duplex: true });
  const segments = Array.from({ length: spec.segments }, () => {
    const memory = sharedMemory(spec.size);
    memory.bytes.fill(1);
    return memory;
  });
  const free = [...segments.keys()];
  startProcess(sharingConsumer, { args: [theirs, segments.map((segment) => segment.share()), spec] });
  const source = Buffer.alloc(spec.size, 2);
  const back = async () => {
    free.push(await ours.get());
  };
  await runLaps(laps, async (amount) => {
    for (let i = 0; i < amount; i++) {
      if (free.length === 0) await back();
      const turn = free.shift() as number;
      const { bytes } = segments[turn] as SharedMemory;
      if (spec.copied) bytes.set(source);
      else bytes[0] = i;
      await ours.put(turn);
    }
    while (free.length < spec.segments) await back();
  });
  ours.close();
});

const sharingConsumer = target(
  import.meta.url,
  'sharingConsumer',
  async (turns: Channel<number>, segments: SharedMemory[], spec: Frames) => {
    const sink = Buffer.alloc(spec.size);
    for await (const turn of turns) {
      const { bytes } = segments[turn] as SharedMemory;
      if (spec.copied) sink.set(bytes);
      else sink[0] = bytes[0] as number;
      await turns.put(turn);
    }
  },
);
