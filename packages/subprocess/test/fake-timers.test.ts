import { runFixture } from '@aiopipe/testing';
import { expect, test } from 'vitest';
import { inDirectory } from './helpers.js';

test.each(['node:test', 'everything'])('chains run while the timers are replaced (%s)', (how) =>
  inDirectory(async (path) => {
    const { stdout, stderr, signal } = await runFixture('runs-under-fake-timers', {
      args: [how, path('file')],
      execArgv: ['--no-warnings'],
    });
    expect({ stderr, signal }).toEqual({ stderr: '', signal: null });
    const size = String(8 << 20);
    const lines = Math.ceil((8 << 20) / 'some line\n'.length);
    expect(JSON.parse(stdout)).toEqual({
      run: size,
      function: 8 << 20,
      file: size,
      lines,
      forEach: 2 * lines,
      progress: 'ABORT_ERR',
      timeout: 'ERR_AIOPIPE_TIMEOUT',
      grace: 1,
      communicate: size,
    });
  }),
);
