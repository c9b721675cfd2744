import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { leakCheck, NatsServer, natsServer } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';

afterAll(leakCheck());

test.skipIf(natsServer === undefined)(
  'log-events.mjs logs the tasks of a cluster, and the life and events of its machine',
  { timeout: 60_000 },
  async () => {
    await using server = await new NatsServer().start();
    const args = ['--import', './log-events.mjs', 'test/fixtures/small-cluster.mjs', server.url];
    const { stderr } = await promisify(execFile)(process.execPath, args);
    const lines = stderr.trim().split('\n');
    const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const ours = logged.filter(({ event }) => /cluster|machine/.test(String(event)));
    const common = { process: 'main', cluster: 'logged', machine: 'm1' };
    expect(ours).toMatchObject([
      { event: 'aiopipe:machine.open', ...common, targets: ['die'], version: '1' },
      { event: 'aiopipe:machine.task', ...common, target: 'die', attempt: 1, error: expect.stringMatching('SIGKILL') },
      { event: 'aiopipe:machine.event', ...common, type: 'task-dead', target: 'die' },
      { event: 'aiopipe:cluster.task', ...common, target: 'die', attempts: 1, error: expect.stringMatching('SIGKILL') },
      { event: 'aiopipe:machine.close', ...common, counts: { failed: 1 } },
    ]);
    expect(new Set(ours.slice(1, 4).map(({ id }) => id)).size).toBe(1);
  },
);
