import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leakCheck, runFixture } from '@aiopipe/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

afterAll(leakCheck());

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'aiopipe-storm-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const hasCompiler = spawnSync('cc', ['--version']).status === 0;

test.skipIf(!hasCompiler)('calls that signals interrupt go on, and lose nothing', async () => {
  const storm = join(directory, 'storm.so');
  execFileSync('cc', ['-shared', '-fPIC', '-o', storm, 'test/fixtures/storm-of-signals.c', '-ldl']);
  const { code, signal, stdout, stderr } = await runFixture('works-in-a-storm', {
    env: { ...process.env, LD_PRELOAD: storm },
  });
  expect({ code, signal, lines: stdout.trim().split('\n') }, stderr).toEqual({
    code: 0,
    signal: null,
    lines: [
      'blocking read: something',
      'blocking write: all',
      'pipe: right',
      'socket: right',
      'lines: 2000',
      'programs: right',
      'nothing leaked',
    ],
  });
  // It did happen, to reads as to writes.
  expect(stderr).toMatch(/^signals [1-9]\d{2,} reads [1-9]\d* writes [1-9]\d*$/m);
});
