// Runs the real supervisor over simulated processes and a simulated clock: random specifications, ends, hangs, failed starts and calls,
// stopped at any moment. A model says what must happen, in which order. A seed gives the same run again, and more steps take longer:
// AIOPIPE_SEED=123 AIOPIPE_STEPS=1000000 npx vitest run test/supervisor/schedules.test.ts
import { beforeAll, expect, test } from 'vitest';
import { runSchedules } from '@aiopipe/testing';
import { load, SimulatedProcess, settle, starter, time } from './simulated/processes.js';
import { World } from './simulated/world.js';

let parts: Awaited<ReturnType<typeof load>>;

beforeAll(async () => {
  parts = await load();
});

test(
  'a supervisor does the same as its model, in the same order, for any acts of its children and its program',
  { timeout: 0 },
  async () => {
    let events = 0;
    await runSchedules({ steps: 60_000, each: 200 }, async (random, steps) => {
      const world = new World(parts, random);
      await world.begin();
      for (let step = 0; step < steps; step++) await world.step();
      await world.end();
      events += world.events;
    });
    expect(events).toBeGreaterThan(1000);
  },
);

test('a process that was not ready in time is reported, also if stop() is called while it ends', async () => {
  const told: string[] = [];
  starter.start = (path) => new SimulatedProcess(path, 'runs', 1, (what) => told.push(what));
  const supervisor = new parts.Supervisor([
    { id: 'a', target: parts.work, args: ['a'], ready: { timeout: 10 }, shutdown: Infinity },
  ]);
  supervisor.on('start-failed', ({ pid, willRestart }) => told.push(`failed ${String(pid)} ${String(willRestart)}`));
  const started = supervisor.start();
  await settle();
  const process = supervisor.whichChildren()[0]?.process as unknown as SimulatedProcess;
  time.fireTimer();
  await settle();
  const stopped = supervisor.stop();
  process.end({ exitCode: null, signalCode: 'SIGTERM' });
  await stopped;
  await expect(started).rejects.toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
  expect(told).toEqual(['SIGTERM to a', 'failed 1 false']);
});

test('a child that is shut down for a restart, and ends after stop() was called, is not said to be restarted', async () => {
  const processes: SimulatedProcess[] = [];
  starter.start = (path) => {
    const process = new SimulatedProcess(path, 'runs', processes.length + 1, () => undefined);
    processes.push(process);
    return process;
  };
  const supervisor = new parts.Supervisor(
    ['a', 'b'].map((id) => ({ id, target: parts.work, args: [id] as [string], shutdown: Infinity })),
    { strategy: 'one_for_all' },
  );
  const told: string[] = [];
  supervisor.on('exited', ({ id, willRestart }) => told.push(`${id} ${String(willRestart)}`));
  await supervisor.start();
  const [a, b] = processes;
  a?.end({ exitCode: 1, signalCode: null });
  await settle();
  const stopped = supervisor.stop();
  b?.end({ exitCode: null, signalCode: 'SIGTERM' });
  await stopped;
  expect(told).toEqual(['a true', 'b false']);
});
