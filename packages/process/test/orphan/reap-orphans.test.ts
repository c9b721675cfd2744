import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { reapOrphans } from '@aiopipe/process';
import { fixture, leakCheck } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';
import { hasNamespaces, NAMESPACE } from '../helpers.js';

afterAll(leakCheck());

/** A container may forbid it. */
const canUnmount = spawnSync('unshare', ['--mount', 'sh', '-c', 'umount -l /proc']).status === 0;

test.runIf(hasNamespaces()).each(['at once', 'late'])(
  'process 1 waits for orphans (asked %s), and takes no exit code away from what it has started',
  async (when) => {
    const words = [...NAMESPACE, process.execPath, fixture('reaps-orphans'), when];
    const { stdout, stderr } = await promisify(execFile)('unshare', words);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({ hadOrphans: true, codes: [3, 4], left: 0 });
  },
);

test('it listens to SIGCHLD until it is disposed of', () => {
  const count = process.listenerCount('SIGCHLD');
  const reaping = reapOrphans();
  expect(process.listenerCount('SIGCHLD')).toBe(count + 1);
  reaping[Symbol.dispose]();
  reaping[Symbol.dispose]();
  expect(process.listenerCount('SIGCHLD')).toBe(count);
});

test('a worker thread is refused', async () => {
  const url = import.meta.resolve('@aiopipe/process');
  const code = `import(${JSON.stringify(url)}).then(({ reapOrphans }) => {
    try { reapOrphans(); } catch (error) { require('node:worker_threads').parentPort.postMessage(error.code); }
  });`;
  const worker = new Worker(code, { eval: true });
  expect(await once(worker, 'message')).toEqual(['ERR_AIOPIPE_UNSUPPORTED']);
});

test.runIf(canUnmount)('a system without /proc is refused', async () => {
  const url = import.meta.resolve('@aiopipe/process');
  const code = `import { reapOrphans } from ${JSON.stringify(url)};
    try { reapOrphans(); } catch (error) { console.log(error.code, error.cause.code); }`;
  const node = [process.execPath, '--input-type=module', '-e', code];
  const words = ['--mount', 'sh', '-c', 'umount -l /proc && exec "$0" "$@"', ...node];
  const { stdout, stderr } = await promisify(execFile)('unshare', words);
  expect({ stdout, stderr }).toEqual({ stdout: 'ERR_AIOPIPE_UNSUPPORTED ENOENT\n', stderr: '' });
});
