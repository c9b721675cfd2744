import { expect, test } from 'vitest';
import { runFixture } from '@aiopipe/testing';

test('on Windows importing works, and the first call says what is supported', async () => {
  expect(await runFixture('pretends-to-be-on-windows')).toEqual({
    code: 0,
    signal: null,
    stderr: '',
    stdout: `ERR_AIOPIPE_UNSUPPORTED: aiopipe does not run on Windows. Run the program in WSL, which is a Linux on Windows`,
  });
});

test('in a runtime without libuv, descriptors are watched by a thread, and nothing else differs', async () => {
  expect(await runFixture('pretends-to-be-without-libuv')).toEqual({
    code: 0,
    signal: null,
    stderr: '',
    stdout: [
      'one set more',
      '1000 messages came back',
      'closed while bytes were there: ERR_AIOPIPE_CLOSED',
      'a program ended: 7',
      'the workers left 0 descriptors and 0 threads',
      'an idle stream does not hold the loop',
      '',
    ].join('\n'),
  });
});
