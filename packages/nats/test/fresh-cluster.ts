// A server for all tests of a block, and a cluster of its own for each.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, type ClusterOptions } from '@aiopipe/nats';
import { NatsServer } from '@aiopipe/testing';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { storedMessages } from './streams.js';

export class FreshCluster {
  server!: NatsServer;
  nc!: NatsConnection;
  cluster!: Cluster;
  folder!: string;

  /** A file of the block's folder, which is removed at its end. */
  log(name: string): string {
    return join(this.folder, name);
  }

  /** The lines of such a file. */
  lines(name: string): string[] {
    return readFileSync(this.log(name), 'utf8').split('\n').slice(0, -1);
  }

  /** How many messages and chunks of objects the streams of the cluster have: `{ aiopipe_test1_tasks: 2 }`. */
  async stored(): Promise<Record<string, number>> {
    const all = Object.entries(await storedMessages(this.nc));
    return Object.fromEntries(all.filter(([name]) => name.split('_').includes(this.cluster.name)));
  }

  /** Whether no stream of the cluster has a message. Objects of a topic stay as long as its messages. */
  async isEmpty(): Promise<boolean> {
    return Object.keys(await this.stored()).every((name) => name.startsWith('OBJ_'));
  }
}

/** Makes the server and the clusters of the block that calls it. Each cluster has another name. */
export function freshCluster(options: Partial<ClusterOptions> = {}): FreshCluster {
  const fresh = new FreshCluster();
  let number = 0;
  beforeAll(async () => {
    fresh.server = await new NatsServer().start();
    fresh.nc = await connect({ servers: fresh.server.url });
    fresh.folder = mkdtempSync(join(tmpdir(), 'aiopipe-nats-log-'));
  });
  afterAll(async () => {
    await fresh.nc.close();
    await fresh.server[Symbol.asyncDispose]();
    rmSync(fresh.folder, { recursive: true });
  });
  beforeEach(async () => {
    fresh.cluster = await Cluster.open(fresh.nc, { name: `test${String(number++)}`, ...options });
  });
  afterEach(async () => {
    await fresh.cluster[Symbol.asyncDispose]();
  });
  return fresh;
}
