// Runs the real streams over a simulated kernel: short reads and writes, EAGAIN, late and needless events, aborts, timeouts, moves, and ends
// that close at any moment. A seed gives the same run again, and more steps take longer:
// AIOPIPE_SEED=123 AIOPIPE_STEPS=1000000 npx vitest run test/stream/schedules.test.ts
import { beforeAll, expect, test } from 'vitest';
import { runSchedules } from '@aiopipe/testing';
import { load, World } from './simulated/world.js';

let core: Awaited<ReturnType<typeof load>>;

beforeAll(async () => {
  core = await load();
});

test(
  'every byte that was written is read once, in order, and every call settles, for any schedule of the kernel',
  { timeout: 0 },
  async () => {
    let bytes = 0;
    await runSchedules({ steps: 60_000, each: 300 }, async (random, steps) => {
      const world = new World(core, random);
      for (let step = 0; step < steps; step++) await world.step();
      await world.end();
      bytes += world.bytes;
    });
    expect(bytes).toBeGreaterThan(100_000);
  },
);
