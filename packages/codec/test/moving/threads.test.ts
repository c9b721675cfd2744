import { runFixture } from '@aiopipe/testing';
import { expect, test } from 'vitest';

test('handles that a worker thread received are closed with it, however far it got with them', async () => {
  const { code, stdout, stderr } = await runFixture('receives-in-threads');
  expect({ code, stdout: stdout.split('\n'), stderr }).toEqual({
    code: 0,
    stdout: [
      'has got them: 0 left',
      'opened them: 0 left',
      'left them unread: 0 left',
      'read half of a message: 0 left',
      'is terminated: 0 left',
      '',
    ],
    stderr: '',
  });
});
