import { ClosedError } from '@aiopipe/core';
import { ChildError, Pool, type PoolEvent } from '@aiopipe/process';
import { harmer } from '../kill.js';
import { counts, forgets, LAST_LINE, remembers, type Counted } from '../peers/pool.js';
import { checksum, work } from '../targets.js';
import { type World } from '../world.js';
import { type Episode } from './episode.js';

export const poolFeatures: Episode = {
  about: 'a pool with several targets, keys, setup, events and a timeout of its close, whose workers are killed',
  async run(world) {
    const retries = world.pick([0, 3]);
    const settings = { retries, size: world.between(1, 3), cancelGrace: 200, intensity: 1000 };
    const pool = new Pool({ ...settings, setup: remembers, teardown: forgets, output: 'events' });
    const events = all(pool.events());
    const stop = harmer(world, world.pick([0, 2, 10]));
    const isCut = world.between(0, 3) === 0;
    const count = world.between(1, 200);
    const counted = new Map<Keyed, Counted[]>();

    const one = async (id: number) => {
      if (world.between(0, 1) === 0) {
        const { sum } = await pool
          .of(work)
          .with({ priority: world.between(-5, 10) })
          .run(id, 0, 50);
        world.check(sum === checksum(id, 50), `task ${String(id)} got the result of another one`);
      } else {
        const key = world.pick(KEYS);
        const result = await pool.of(counts).with({ key }).run(id);
        world.check(result.id === id, `task ${String(id)} got the result of another one`);
        counted.set(key, [...(counted.get(key) ?? []), result]);
      }
    };
    const tasks = Array.from({ length: count }, async (_, id) => {
      await one(id).catch((error: unknown) => {
        const isLoss = error instanceof ChildError && error.code === 'ERR_AIOPIPE_NO_RESULT';
        const isLate = error instanceof ClosedError && isCut;
        world.check(isLoss || isLate, `task ${String(id)}: ${String((error as Error).stack)}`);
      });
      world.count('tasks');
    });
    world.at('waiting for all tasks');
    if (!isCut) await Promise.all(tasks);
    stop();
    world.at('closing the pool');
    await pool.close(isCut ? { timeout: world.between(0, 300) } : {});
    await Promise.all(tasks);
    const { completed, failed, cancelled } = pool.stats;
    world.check(completed + failed + cancelled === count, 'stats count each task once');
    judge(world, retries, counted, await events);
  },
};

type Keyed = string | number | undefined;

const KEYS: readonly Keyed[] = [undefined, 'a', 'b', 3];

/** Resolves when the pool has ended. */
async function all(events: AsyncIterable<PoolEvent>): Promise<PoolEvent[]> {
  const seen: PoolEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

function judge(world: World, retries: number, counted: Map<Keyed, Counted[]>, events: readonly PoolEvent[]): void {
  const ends = new Map(events.flatMap((event) => (event.type === 'worker-ended' ? [[event.pid, event]] : [])));
  const lines = events.flatMap((event) => (event.type === 'output' && event.stream === 'stdout' ? [event] : []));
  const printed = (pid: number | undefined, line: string) =>
    lines.filter((event) => event.pid === pid && event.line === line).length;

  for (const { line } of lines) world.check(line === LAST_LINE || /^task \d+$/.test(line), `a worker printed ${line}`);
  for (const { id, pid } of [...counted.values()].flat()) {
    world.check(printed(pid, `task ${String(id)}`) === 1, `the line of task ${String(id)} is lost, or came twice`);
  }
  for (const { pid, reason, exitCode } of ends.values()) {
    if (reason === 'closed' && exitCode === 0)
      world.check(printed(pid, LAST_LINE) === 1, `worker ${String(pid)} ended without its teardown`);
  }
  // A retry comes after later tasks.
  if (retries > 0) return;
  for (const [key, results] of counted) {
    if (key === undefined) continue;
    const inOrder = results.sort((one, other) => one.id - other.id);
    for (const [index, { id, pid, before }] of inOrder.entries()) {
      const next = inOrder[index + 1];
      if (next === undefined) continue;
      const what = `after task ${String(id)} of key ${String(key)}`;
      if (next.pid === pid) world.check(next.before > before, `task ${String(next.id)} ran before, and not ${what}`);
      else world.check(ends.get(pid)?.reason !== 'closed', `another worker ran task ${String(next.id)} ${what}`);
    }
  }
}
