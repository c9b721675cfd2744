import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { manyFiles, startDemo, untilRunning, waitFor, withProgram } from './helpers.js';

afterAll(leakCheck());

const tree = manyFiles(20);

/** The place where it is held up, and the sign that it has come there. */
const moments = {
  'while it lists': { env: withProgram('sort', 'exec sleep 1000'), sign: ['sleep 1000', 1] },
  'while it verifies': { env: withProgram('sha1sum', 'exec sleep 1000'), sign: ['sleep 1000', 2] },
} as const;

async function startAndWait({ env, sign: [what, times] }: (typeof moments)[keyof typeof moments]) {
  const run = startDemo([tree, '--workers', '2'], { env });
  await untilRunning(run, what, times);
  return run;
}

describe.each(Object.entries(moments))('%s', (_, moment) => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends it and all that it has started', async (signal, code) => {
    const run = await startAndWait(moment);
    process.kill(run.pid, signal);
    expect(await waitFor(run)).toMatchObject({ code, stderr: '' });
  });

  test('Ctrl-C reaches the whole foreground group, and ends all', async () => {
    const run = await startAndWait(moment);
    process.kill(-run.pid, 'SIGINT');
    expect(await waitFor(run)).toMatchObject({ code: 130, stderr: '' });
  });

  test('a second Ctrl-C at once leaves nothing behind either', async () => {
    const run = await startAndWait(moment);
    process.kill(run.pid, 'SIGINT');
    process.kill(run.pid, 'SIGINT');
    await waitFor(run);
  });
});

test('SIGKILL leaves no worker and no program behind', async () => {
  const run = await startAndWait(moments['while it lists']);
  process.kill(run.pid, 'SIGKILL');
  expect(await waitFor(run)).toMatchObject({ signal: 'SIGKILL' });
});

test('SIGINT while the workers start and work ends it', async () => {
  const run = startDemo([tree, '--workers', '8']);
  await untilRunning(run, 'census-8');
  process.kill(run.pid, 'SIGINT');
  expect(await waitFor(run)).toMatchObject({ code: 130, stderr: '' });
});
