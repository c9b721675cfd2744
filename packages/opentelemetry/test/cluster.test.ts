import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixture, leakCheck, NatsServer, natsServer, runFixture } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { outline, readSpans, tracedArgv, treesOf } from './traces.js';

afterAll(leakCheck());

describe.skipIf(natsServer === undefined)('over a cluster', () => {
  test('a call is one trace, through its machine and the worker there', async () => {
    await using server = await new NatsServer().start();
    const directory = mkdtempSync(join(tmpdir(), 'opentelemetry-'));
    const env = { ...process.env, SPANS: join(directory, 'spans') };
    const machine = spawn(process.execPath, [...tracedArgv(), fixture('calls-a-cluster'), server.url, 'serve'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env,
    });
    try {
      await once(machine.stdout, 'data');
      const args = [server.url, 'call'];
      const caller = await runFixture('calls-a-cluster', { args, execArgv: tracedArgv(), env });
      expect(caller).toMatchObject({ code: 0, stdout: '0 16\n', stderr: '' });
      const exited = once(machine, 'exit');
      machine.stdin.end();
      expect(await exited).toEqual([0, null]);

      const spans = readSpans(env.SPANS);
      const order = spans.find(({ name }) => name === 'order');
      const mine = spans.filter(({ traceId }) => traceId === order?.traceId);
      expect(outline(treesOf(mine))).toEqual([
        'order [internal]',
        '  run square [producer]',
        '    serve square [consumer]',
        '      run square [producer]',
        '        process square [consumer]',
        '          multiply [internal]',
        '  stream count [producer]',
        '    serve count [consumer]',
        '      stream count [producer]',
        '        process count [consumer]',
      ]);
      const called = mine.find(({ parent }) => parent === order?.spanId);
      const served = mine.find(({ name }) => name === 'serve square');
      const inWorker = mine.find(({ name }) => name === 'process square');
      expect(new Set([called?.pid, served?.pid, inWorker?.pid]).size).toBe(3);
      expect(served?.pid).toBe(machine.pid);
      expect(mine.slice(1).map(({ user }) => user)).toEqual(mine.slice(1).map(() => 'ada'));
      const common = {
        'messaging.system.name': 'aiopipe',
        'messaging.destination.name': 'square',
        'messaging.message.id': expect.any(String) as string,
        'aiopipe.cluster': 'traced',
        'aiopipe.machine': 'm1',
        'aiopipe.task.attempts': 1,
      };
      expect(called?.attributes).toEqual({
        ...common,
        'messaging.operation.type': 'send',
        'messaging.operation.name': 'run',
      });
      expect(served?.attributes).toEqual({
        ...common,
        'messaging.operation.type': 'process',
        'messaging.operation.name': 'serve',
      });
      expect(served?.attributes['messaging.message.id']).toBe(called?.attributes['messaging.message.id']);
    } finally {
      machine.kill('SIGKILL');
      rmSync(directory, { recursive: true });
    }
  });
});
