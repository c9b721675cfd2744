// Shared memory goes to a child, which checks and changes its pages, and hands it back.
import { createHash } from 'node:crypto';
import { type Channel } from '@aiopipe/codec';
import { sharedMemory, type SharedMemory } from '@aiopipe/core';
import { target } from '@aiopipe/process';
import { checksum } from '../targets.js';
import { type World } from '../world.js';

export interface Handed {
  readonly id: number;
  readonly memory: SharedMemory;
  /** Whether the child has it until it ends. */
  readonly keeps: boolean;
}

export interface HandedBack {
  /** Whether the pages were those of `id`. */
  readonly isRight: boolean;
  /** Now with the pages of `id + 1`, unless it was read-only. */
  readonly memory: SharedMemory | undefined;
}

/** Fills memory with what only this id can have. */
function fill({ bytes }: SharedMemory, id: number): void {
  bytes.fill(id & 255);
}

/** Whether the pages are those of an id. */
function isFilled(memory: SharedMemory, id: number): boolean {
  return createHash('sha1').update(memory.bytes).digest('hex') === checksum(id, memory.byteLength);
}

const kept: SharedMemory[] = [];

export const usesMemory = target(import.meta.url, 'usesMemory', async (channel: Channel<HandedBack, Handed>) => {
  for await (const { id, memory, keeps } of channel) {
    const isRight = isFilled(memory, id);
    if (!memory.readOnly) fill(memory, id + 1);
    if (keeps) kept.push(memory);
    await channel.put({ isRight, memory: keeps ? undefined : memory });
  }
});

/** Hands memory to the child, in one of the ways that there are, and judges its pages here and there. */
export function handOver(world: World, own: Channel<Handed, HandedBack>, id: number): Promise<void> {
  return world.pick([moves, moves, shares, sharesReadOnly])(world, own, id);
}

function filled(world: World, id: number) {
  const made = sharedMemory(world.pick([1, 4096, world.between(1, 3_000_000)]));
  fill(made, id);
  return made;
}

async function moves(world: World, own: Channel<Handed, HandedBack>, id: number): Promise<void> {
  const made = filled(world, id);
  const { byteLength, bytes } = made;
  const keeps = world.between(0, 5) === 0;
  await own.put({ id, memory: made, keeps });
  world.check(bytes.length === 0 && made.state === 'moved', `memory ${String(id)} is here after its move`);
  const { isRight, memory: back } = await own.get();
  world.check(isRight, `memory ${String(id)} arrived with other pages`);
  if (!keeps)
    world.check(
      back?.byteLength === byteLength && isFilled(back, id + 1),
      `memory ${String(id)} came back with other pages`,
    );
  back?.close();
  world.count('bytes', byteLength);
}

async function shares(world: World, own: Channel<Handed, HandedBack>, id: number): Promise<void> {
  using made = filled(world, id);
  await own.put({ id, memory: made.share(), keeps: true });
  const { isRight } = await own.get();
  world.check(isRight && isFilled(made, id + 1), `memory ${String(id)} is shared, and its pages are others`);
  world.count('bytes', made.byteLength);
}

async function sharesReadOnly(world: World, own: Channel<Handed, HandedBack>, id: number): Promise<void> {
  using made = filled(world, id);
  await own.put({ id, memory: made.share({ readOnly: true }), keeps: true });
  const { isRight } = await own.get();
  world.check(isRight && isFilled(made, id), `memory ${String(id)} is shared read-only, and its pages are others`);
  world.count('bytes', made.byteLength);
}
