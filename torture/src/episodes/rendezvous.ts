import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProcess } from '@aiopipe/process';
import { until } from '@aiopipe/testing';
import { harmer } from '../kill.js';
import { Client, hubAt, visits } from '../peers/hub.js';
import { type World } from '../world.js';
import { type Episode } from './episode.js';

export const rendezvous: Episode = {
  about:
    'hubs at one path and their clients are killed: each acknowledged message came once, and the path has an owner again',
  async run(world) {
    const directory = mkdtempSync(join(tmpdir(), 'aiopipe-torture-hub-'));
    const path = join(directory, 'hub');
    const record = join(directory, 'record');
    const over = new AbortController();
    const hubs = [0, 1].map(() => keepHub(path, record, over.signal));
    const stranger = startProcess(visits, { args: [path, world.between(0, 1e9)], stderr: 'ignore' });
    stranger.result.then(
      (wrong) => world.check(false, String(wrong)),
      () => undefined,
    );
    const stop = harmer(world, world.between(0, 8));
    const clients = ['a', 'b', 'c'].map((name) => new Client(world, path, name));
    world.at('visiting hubs');
    const rounds = world.between(1, 30);
    await Promise.all(
      clients.map(async (client) => {
        for (let round = 0; round < rounds; round++) await client.visit();
      }),
    );
    stop();
    world.at('waiting for an owner of the path');
    const last = new Client(world, path, 'last');
    await until(
      'the path has an owner',
      async () => {
        await last.visit();
        return last.acknowledged.length > 0;
      },
      30_000,
    );
    world.at('ending the hubs');
    over.abort();
    stranger.kill('SIGKILL');
    await Promise.all([...hubs, stranger.join()]);
    judge(world, [...clients, last], readFileSync(record, 'utf8'));
    rmSync(directory, { recursive: true });
  },
};

/** Starts a hub again whenever it has ended. */
async function keepHub(path: string, record: string, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const hub = startProcess(hubAt, { args: [path, record], stderr: 'ignore' });
    hub.result.catch(() => undefined);
    const kill = () => hub.kill('SIGKILL');
    over.addEventListener('abort', kill);
    await hub.join();
    over.removeEventListener('abort', kill);
  }
}

/** All messages that came, came once, and in the order of their connection. All that were acknowledged came. */
function judge(world: World, clients: readonly Client[], record: string): void {
  const came = new Set<string>();
  const latest = new Map<string, number>();
  for (const line of record.split('\n').slice(0, -1)) {
    const [client = '', connection = '', n = ''] = line.split(' ');
    world.check(!came.has(`${client} ${n}`), `message ${n} of client ${client} came twice`);
    came.add(`${client} ${n}`);
    const before = latest.get(`${client} ${connection}`) ?? -1;
    world.check(Number(n) > before, `message ${n} of client ${client} came after ${String(before)}`);
    latest.set(`${client} ${connection}`, Number(n));
  }
  for (const { name, acknowledged, wrong } of clients) {
    for (const what of wrong) world.check(false, what);
    for (const n of acknowledged)
      world.check(came.has(`${name} ${String(n)}`), `message ${String(n)} of ${name} is lost`);
    world.count('messages', acknowledged.length);
  }
}
