// A producer draws frames into shared memory, two other processes read them: node examples/frame-buffer.mjs [FRAMES]
import { merge, channel } from '@aiopipe/codec';
import { sharedMemory } from '@aiopipe/core';
import { isChild, startProcess, target } from '@aiopipe/process';

/** @typedef {import('@aiopipe/core').SharedMemory} SharedMemory */
/** @typedef {import('@aiopipe/codec').Channel<number, number>} Turns */

const WIDTH = 640;
const HEIGHT = 480;
const SLOTS = 4;

/**
 * A consumer: reads each frame that it hears of, and then gives it back. It has the frames read-only.
 *
 * @param {string} what - `brightness` or `changes`
 * @param {SharedMemory[]} slots
 * @param {Turns} turns - the numbers of slots
 * @returns {Promise<string>}
 */
async function run(what, slots, turns) {
  let count = 0;
  let result = 0;
  let last = -1;
  for await (const slot of turns) {
    const { bytes } = /** @type {SharedMemory} */ (slots[slot]);
    const first = /** @type {number} */ (bytes[0]);
    if (what === 'brightness') result += bytes.reduce((sum, pixel) => sum + pixel, 0) / bytes.length;
    else if (first !== last) result++;
    last = first;
    count++;
    await turns.put(slot);
  }
  return `${what} of ${String(count)} frames: ${String(result)}`;
}

export const consumer = target(import.meta.url, 'consumer', run);

/** @param {number} frames */
async function produce(frames) {
  const slots = Array.from({ length: SLOTS }, () => sharedMemory(WIDTH * HEIGHT));
  /** @type {Turns[]} */
  const consumers = [];
  const children = ['brightness', 'changes'].map((what) => {
    /** @type {[Turns, Turns]} */
    const [ours, theirs] = channel({ duplex: true });
    consumers.push(ours);
    // The pages themselves go to the child once. Later messages only say which of them to read.
    return startProcess(consumer, { args: [what, slots.map((slot) => slot.share({ readOnly: true })), theirs] });
  });
  const answers = merge(consumers);
  /** The slots that a consumer still reads: one entry for each consumer. @type {number[]} */
  const busy = [];
  const oneIsFree = async () => {
    const { value } = await answers.next();
    busy.splice(busy.indexOf(value), 1);
  };
  for (let frame = 0; frame < frames; frame++) {
    const slot = frame % SLOTS;
    while (busy.includes(slot)) await oneIsFree();
    slots[slot]?.bytes.fill(frame % 256);
    for (const turns of consumers) {
      busy.push(slot);
      await turns.put(slot);
    }
  }
  while (busy.length > 0) await oneIsFree();
  for (const turns of consumers) turns.close();
  for (const child of children) console.log(await child.result);
  for (const slot of slots) slot.close();
}

if (!isChild()) await produce(Number(process.argv[2] ?? 100));
