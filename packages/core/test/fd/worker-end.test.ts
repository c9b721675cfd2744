import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runFixture } from '@aiopipe/testing';

test('a worker thread leaves, however it ends, no descriptor but the one that it released, and no zombie', async () => {
  const { code, stdout, stderr } = await runFixture('leaves-in-a-worker');
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: 'returns: 1\nexits: 1\nthrows: 1\nis terminated: 1\n',
    stderr: '',
  });
});

// Optimized code can be stopped at the ends of its loops only.
test('a worker thread that is stopped at any moment while it closes descriptors leaves none open', async () => {
  const { code, stdout, stderr } = await runFixture('is-stopped-while-it-closes', { execArgv: ['--no-opt'] });
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '600 stops\n0 left\n', stderr: '' });
});

test('a worker thread that ends after it closed a FIFO closes no other file that has got its number', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'aiopipe-fifo-'));
  try {
    const path = join(directory, 'fifo');
    execFileSync('mkfifo', [path]);
    const { code, stdout, stderr } = await runFixture('opens-a-fifo-in-a-worker', { args: [path] });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'all are open\n', stderr: '' });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
