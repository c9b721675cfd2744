import { join } from 'node:path';
import { Cluster } from '@aiopipe/nats';
import { NatsServer, natsServer } from '@aiopipe/testing';
import { connect } from '@nats-io/transport-node';
import { type Histogram } from '@opentelemetry/sdk-metrics';
import { describe, expect, it } from 'vitest';
import { double, fail, killSome, wait } from '../fixtures/does-tasks.js';
import { collectMetrics } from '../fixtures/sdk.js';
import { inDirectory, instrumented } from '../helpers.js';

instrumented();

/** The values of a metric of the cluster, by the attribute that tells its points apart. */
async function valuesOf(metric: string, by: string): Promise<Record<string, unknown>> {
  const points = (await collectMetrics()).filter(
    ({ name, attributes }) => name === metric && attributes['aiopipe.cluster'] === 'measured',
  );
  return Object.fromEntries(points.map(({ attributes, value }) => [String(attributes[by]), value]));
}

describe.skipIf(natsServer === undefined)('the metrics of a cluster', () => {
  it('count tasks at their callers and on machines, also when these are closed', async () => {
    await using server = await new NatsServer().start();
    const nc = await connect({ servers: server.url });
    const cluster = await Cluster.open(nc, { name: 'measured', lease: 2000 });
    const targets = { double, fail, killSome, wait };
    const machine = await cluster.serve(targets, { size: 1, name: 'm1', intensity: 10, cancelGrace: 0 });
    await cluster.pool<typeof double>('double').run(2);
    await expect(cluster.pool<typeof fail>('fail').run()).rejects.toThrow();
    await inDirectory((directory) => cluster.pool<typeof killSome>('killSome').run(join(directory, 'kill'), 2));
    const controller = new AbortController();
    const waiting = cluster.pool<typeof wait>('wait').with({ signal: controller.signal }).run();
    const destination = 'messaging.destination.name';
    expect(await valuesOf('aiopipe.cluster.task.outstanding', destination)).toEqual({
      double: 0,
      fail: 0,
      killSome: 0,
      wait: 1,
    });
    controller.abort();
    await expect(waiting).rejects.toThrow();
    const durations = await valuesOf('aiopipe.cluster.task.duration', destination);
    expect(Object.entries(durations).map(([name, value]) => [name, (value as Histogram).count])).toEqual([
      ['double', 1],
      ['fail', 1],
      ['killSome', 1],
      ['wait', 1],
    ]);
    expect(Object.keys(await valuesOf('aiopipe.cluster.task.duration', 'error.type'))).toEqual([
      'undefined',
      'RangeError',
      'ABORT_ERR',
    ]);
    expect(await valuesOf('aiopipe.cluster.task.retries', destination)).toEqual({ killSome: 2 });
    const { counts } = machine;
    expect(counts).toMatchObject({ completed: 2, failed: 1, handedBack: 2, redelivered: 2 });
    await cluster[Symbol.asyncDispose]();
    await nc.close();
    const { completed, failed, handedBack: handed_back, cancelled } = machine.counts;
    const ended = { completed, failed, handed_back, cancelled };
    expect(await valuesOf('aiopipe.machine.tasks', 'aiopipe.task.outcome')).toEqual(ended);
    expect(await valuesOf('aiopipe.machine.redeliveries', 'aiopipe.machine')).toEqual({ m1: 2 });
    expect(await valuesOf('aiopipe.machine.task.running', 'aiopipe.machine')).toEqual({ m1: 0 });
    expect(await valuesOf('aiopipe.cluster.task.outstanding', destination)).toMatchObject({ wait: 0 });
  });
});
