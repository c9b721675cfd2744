import { join } from 'node:path';
import { connect, listen, type Channel } from '@aiopipe/codec';
import { fdsSince, leakCheck, openFds } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';
import { errorOf, isPending } from '../channel/helpers.js';
import { echo, socketFolder, start } from './helpers.js';

const folder = socketFolder();
afterAll(leakCheck());

test.each([511, 50])('1,000 clients at once are all served, with a backlog of %i', async (backlog) => {
  const before = openFds();
  const hub = listen(join(folder, `at-once-${String(backlog)}`), { backlog });
  const served = echo(hub);
  const answers = await Promise.all(
    Array.from({ length: 1000 }, async (_, index) => {
      using client = await connect<number>(hub.path);
      await client.put(index);
      return await client.get();
    }),
  );
  expect(answers).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  hub.close();
  await served;
  expect(fdsSince(before)).toEqual([]);
});

test('10,000 clients one after another leave no descriptor', async () => {
  const before = openFds();
  const hub = listen(join(folder, 'one-by-one'));
  const served = (async () => {
    for await (const { channel } of hub) {
      await channel.put(await channel.get());
      channel.close();
    }
  })();
  for (let index = 0; index < 10_000; index++) {
    using client = await connect<number>(hub.path);
    await client.put(index);
    if ((await client.get()) !== index) expect.fail(`client ${String(index)} got another answer`);
  }
  expect(fdsSince(before).length).toBeLessThan(4); // the hub, and channels that it closes next
  hub.close();
  await served;
  expect(fdsSince(before)).toEqual([]);
});

test('clients of many processes at once are all served', async () => {
  const hub = listen<number>(join(folder, 'processes'));
  const programs = Array.from({ length: 8 }, () => start('asks-at-a-path', hub.path));
  for (const program of programs) await program.line();
  for (const program of programs) program.go();
  const pids: number[] = [];
  for await (const { channel, peer } of hub) {
    pids.push(peer.pid);
    await channel.put(peer.pid);
    channel.close();
    if (pids.length === programs.length) break;
  }
  hub.close();
  for (const program of programs) {
    expect(await program.line()).toBe(String(program.pid));
    await program.ended;
  }
  expect(pids.sort()).toEqual(programs.map(({ pid }) => pid).sort());
});

test('timers run while many clients connect', async () => {
  const hub = listen(join(folder, 'timers'));
  const clients: Channel[] = [];
  for (let i = 0; i < 400; i++) clients.push(await connect(hub.path));
  let taken = 0;
  const takenAtTimer = new Promise<number>((resolve) => setTimeout(() => resolve(taken), 1));
  for await (const { channel } of hub) {
    channel.close();
    if (++taken === clients.length) break;
  }
  expect(await takenAtTimer).toBeLessThan(clients.length);
  for (const client of clients) client.close();
  hub.close();
});

test('connections that no call takes are bounded by the backlog; further clients wait', async () => {
  const before = openFds();
  const hub = listen(join(folder, 'untaken'), { backlog: 8 });
  const clients: Channel[] = [];
  let refused: unknown;
  while (refused === undefined) {
    await connect(hub.path, { timeout: 20 }).then(
      (client) => clients.push(client),
      (error: unknown) => (refused = error),
    );
  }
  expect(clients).toHaveLength(9); // Linux lets one more wait than it was told
  expect(refused).toMatchObject({
    code: 'ERR_AIOPIPE_TIMEOUT',
    message: `connect to ${hub.path}: the listener took no connection within 20 ms`,
  });
  const controller = new AbortController();
  const aborted = connect(hub.path, { signal: controller.signal });
  const waiting = connect(hub.path);
  expect(await isPending(waiting)).toBe(true);
  controller.abort();
  expect(await errorOf(aborted)).toMatchObject({ code: 'ABORT_ERR' });
  // No descriptor of ours is open for those that were not taken.
  expect(fdsSince(before)).toHaveLength(1 + clients.length);
  (await hub.accept()).channel.close();
  (await waiting).close();
  for (const client of clients) client.close();
  hub.close();
});
