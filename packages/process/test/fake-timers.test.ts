import { leakCheck, runFixture } from '@aiopipe/testing';
import { Pool, startProcess, Supervisor } from '@aiopipe/process';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { square, work } from './fixtures/does-tasks.js';
import { scratchFiles } from './helpers.js';

const files = scratchFiles();
afterAll(leakCheck());
afterAll(() => {
  files.remove();
});

describe.each(['the program', 'children'])('fake timers of node:test, enabled in %s, hold nothing up:', (where) => {
  test.each([
    ['tasks', 300 * 299],
    ['items', 1000 * 1999],
    ['task that is cancelled', ['TimeoutError', 1]],
    ['pool that shrinks', 0],
    ['restart after a backoff', ['started', 'exit', 'started']],
    ['heartbeat that fails', ['started', 'hung']],
    ['join with a timeout', ['nothing', true, 'SIGTERM']],
    ['prefork', [[0, 2, 4], 3]],
  ])('%s', async (way, expected) => {
    const { stdout, stderr, code } = await runFixture('has-fake-timers', {
      args: [way, where, files.newFile()],
      execArgv: ['--no-warnings'],
    });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(expected);
    expect(code).toBe(0);
  });
});

describe('vitest’s fake timers hold nothing up:', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  function fakeAll(): void {
    vi.useFakeTimers({
      toFake: [
        'setTimeout',
        'setInterval',
        'setImmediate',
        'clearTimeout',
        'clearInterval',
        'clearImmediate',
        'queueMicrotask',
        'performance',
        'hrtime',
        'Date',
      ],
    });
  }

  test('a pool, a process and a supervisor', async () => {
    fakeAll();
    const pool = new Pool(square, { size: 2 });
    expect(await Promise.all([1, 2, 3].map((n) => pool.run(n)))).toEqual([1, 4, 9]);
    const child = startProcess(work, { args: [1, 1e9] });
    expect(await child.join({ timeout: 20 })).toBeUndefined();
    child.kill();
    expect(await child.join()).toEqual({ exitCode: null, signalCode: 'SIGTERM' });
    const supervisor = new Supervisor([{ id: 'it', target: work, args: [1, 1e9] }]);
    await supervisor.start();
    await supervisor.stop();
    await pool.close();
  });

  test('a pool that was there before', async () => {
    await using pool = new Pool(square, { size: 2 });
    expect(await pool.run(2)).toBe(4);
    fakeAll();
    for (let n = 0; n < 20; n++) expect(await pool.run(n)).toBe(n * n);
    await pool.close();
  });
});
