// Hubs that contend for a path, and their clients.
import { openSync, writeSync } from 'node:fs';
import { connect, listen, type Channel } from '@aiopipe/codec';
import { target } from '@aiopipe/process';
import { isLoss } from '../failures.js';
import { pause } from '../targets.js';
import { World } from '../world.js';

/** One message of a client. No number is sent twice, also over another connection. */
interface Sent {
  readonly client: string;
  readonly connection: number;
  readonly n: number;
}

/** The number of the message, and the client's process as the kernel told the hub. */
type Acknowledged = readonly [n: number, pid: number];

/**
 * Listens at a path, once no other process does. Writes down each message before it acknowledges it: what was written outlives a
 * SIGKILL.
 */
export const hubAt = target(import.meta.url, 'hubAt', async (path: string, record: string) => {
  const file = openSync(record, 'a');
  for (;;) {
    try {
      using hub = listen<Acknowledged, Sent>(path);
      for await (const { channel, peer } of hub) {
        // A client may leave at any time.
        acknowledge(channel, peer.pid, file).catch(() => undefined);
      }
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'EADDRINUSE') throw error;
      await pause(5);
    }
  }
});

async function acknowledge(channel: Channel<Acknowledged, Sent>, pid: number, file: number): Promise<void> {
  using own = channel;
  for await (const { client, connection, n } of own) {
    writeSync(file, `${client} ${String(connection)} ${String(n)}\n`);
    await own.put([n, pid]);
  }
}

/** The failures of `connect()` while no hub listens. */
const NO_HUB = ['ENOENT', 'ECONNREFUSED'];

/** Sends numbered messages over one connection after another. */
export class Client {
  /** The messages that a hub has acknowledged. */
  readonly acknowledged: number[] = [];
  readonly wrong: string[] = [];
  readonly name: string;
  readonly #world: World;
  readonly #path: string;
  #connection = 0;
  #next = 0;

  constructor(world: World, path: string, name: string) {
    this.#world = world;
    this.#path = path;
    this.name = name;
  }

  /** Connects, sends some messages at once or none, takes the answers to some of them, and leaves. */
  async visit(): Promise<void> {
    try {
      using channel = await connect<Sent, Acknowledged>(this.#path, { timeout: 20_000 });
      this.#connection++;
      const first = this.#next;
      const count = this.#world.pick([0, 1, 1, 10, 300]);
      const expected = this.#world.pick([count, count, this.#world.between(0, count)]);
      const puts = Array.from({ length: count }, () =>
        channel.put({ client: this.name, connection: this.#connection, n: this.#next++ }),
      );
      for (let n = first; n < first + expected; n++) {
        const [got, pid] = await channel.get();
        if (got !== n || pid !== process.pid) {
          this.wrong.push(`client ${this.name} got ${String(got)} for ${String(n)}, of process ${String(pid)}`);
        }
        this.acknowledged.push(n);
      }
      if (expected === count) await Promise.all(puts);
      else await Promise.allSettled(puts.slice(0, 1));
    } catch (error) {
      if (NO_HUB.includes((error as { code: string }).code)) await pause(5);
      else if (!isLoss(error)) this.wrong.push(`client ${this.name}: ${String((error as Error).stack)}`);
    }
  }
}

/** Visits hubs until it is killed. */
export const visits = target(import.meta.url, 'visits', async (path: string, seed: number) => {
  const client = new Client(new World(seed, false), path, String(process.pid));
  while (client.wrong.length === 0) await client.visit();
  return client.wrong;
});
