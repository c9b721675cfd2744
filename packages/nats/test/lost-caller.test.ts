// A row of docs/scale.md that takes more than a minute: a file of its own, so that the others do not wait for it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster } from '@aiopipe/nats';
import { fixture, leakCheck, NatsServer, natsServer, until } from '@aiopipe/testing';
import { connect } from '@nats-io/transport-node';
import { afterAll, describe, expect, it } from 'vitest';
import { type record } from './fixtures/targets.js';
import { TestMachine } from './machines.js';
import { messagesLeft } from './streams.js';

afterAll(leakCheck());

/** Milliseconds for which a machine keeps the outcome of a task whose caller is not heard. */
const HOLD = 60_000;

describe.skipIf(natsServer === undefined)('a cluster', () => {
  it('a caller that dies: its tasks run, and their outcomes are dropped after 60 s', async () => {
    await using server = await new NatsServer().start();
    const env = { SERVER: server.url, CLUSTER: 'held', LEASE: '1500' };
    const folder = mkdtempSync(join(tmpdir(), 'aiopipe-nats-log-'));
    const file = (name: string) => join(folder, name);
    const lines = (name: string) =>
      existsSync(file(name)) ? readFileSync(file(name), 'utf8').split('\n').length - 1 : 0;
    const nc = await connect({ servers: server.url });
    const machine = new TestMachine({ ...env, NAME: 'm1', SIZE: '1' });
    const caller = spawn(process.execPath, [fixture('calls')], {
      stdio: ['pipe', 'inherit', 'inherit'],
      env: { ...process.env, ...env, WAITED: file('waited'), GO: file('go'), RECORDED: file('recorded') },
    });
    try {
      await until('one task runs', () => lines('waited') === 1);
      // The machine has one worker.
      caller.stdin.write('next');
      await until('the other one waits', async () => (await messagesLeft(nc)).includes('aiopipe_held_tasks: 2'));
      const exited = once(caller, 'exit');
      caller.kill('SIGKILL');
      await exited;
      const diedAt = performance.now();
      writeFileSync(file('go'), '');
      await until('the other one runs', () => lines('recorded') === 1);

      // The machine does not wait for a caller that is gone: it serves others meanwhile.
      await using cluster = await Cluster.open(nc, { name: 'held', lease: 1500 });
      expect(await cluster.pool<typeof record>('record').run(file('other'), 2, 0)).toBe(2);
      expect(machine.output).not.toContain('result-lost');
      await until('both tasks are kept', async () => (await messagesLeft(nc)).includes('aiopipe_held_tasks: 2'));

      await until('both outcomes are dropped', () => machine.output.split('result-lost').length === 3, 90_000);
      expect(performance.now() - diedAt).toBeGreaterThan(HOLD);
      await until('nothing is left in the streams', async () => (await messagesLeft(nc)).length === 0);
      expect([lines('waited'), lines('recorded')]).toEqual([1, 1]);
    } finally {
      caller.kill('SIGKILL');
      await machine.kill();
      await nc.close();
      rmSync(folder, { recursive: true });
    }
  });
});
