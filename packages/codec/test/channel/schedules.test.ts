// Runs the real channels over a simulated kernel: short reads and writes, EAGAIN, late and needless events, lost descriptors, handles
// that move, aborts, timeouts, and ends that close at any moment. A seed gives the same run again, and more steps take longer:
// AIOPIPE_SEED=123 AIOPIPE_STEPS=1000000 npx vitest run test/channel/schedules.test.ts
import { beforeAll, expect, test } from 'vitest';
import { runSchedules } from '@aiopipe/testing';
import { load, World } from './simulated/world.js';

let codec: Awaited<ReturnType<typeof load>>;

beforeAll(async () => {
  codec = await load();
});

test(
  'every message arrives once, whole and in order, and every call settles, for any schedule of the kernel',
  { timeout: 0 },
  async () => {
    let messages = 0;
    await runSchedules({ steps: 60_000, each: 300 }, async (random, steps) => {
      const world = new World(codec, random);
      for (let step = 0; step < steps; step++) await world.step();
      await world.end();
      messages += world.messages;
    });
    expect(messages).toBeGreaterThan(1000);
  },
);
