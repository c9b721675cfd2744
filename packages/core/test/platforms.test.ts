import { expect, test } from 'vitest';
import { runFixture } from '@aiopipe/testing';

test.each([
  ['Windows', ['platform', 'win32']],
  ['Bun', ['bun', '1.4.5']],
  ['Deno', ['deno', '2.9.6']],
])('on %s importing works, and the first call says what is supported', async (name, args) => {
  expect(await runFixture('pretends-to-be-elsewhere', { args })).toEqual({
    code: 0,
    signal: null,
    stderr: '',
    stdout: `ERR_AIOPIPE_UNSUPPORTED: aiopipe does not run on ${name}: it needs Node.js >= 20.19 on Linux (or macOS, which is untested)`,
  });
});
