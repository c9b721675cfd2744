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
