import { execFile, spawnSync } from 'node:child_process';
import { inspect, promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { channel } from '@aiopipe/codec';
import { startProcess } from '@aiopipe/process';
import { fixture, leakCheck } from '@aiopipe/testing';
import { exits, waits } from '../fixtures/ends-somehow.js';
import { saysMuchAndExits } from '../fixtures/talks-to-siblings.js';
import { errorOf } from '../helpers.js';

afterAll(leakCheck());

test('inspect() shows the name, the pid and how it is', async () => {
  const child = startProcess(waits, { name: 'worker' });
  const { pid } = child;
  expect(inspect(child)).toBe(`ProcessHandle worker (pid ${String(pid)}, running)`);
  child.kill();
  await child.join();
  expect(inspect({ child })).toContain(`ProcessHandle worker (pid ${String(pid)}, ended, SIGTERM)`);
  child.close();
  expect(inspect(child)).toContain('ProcessHandle worker');
  const other = startProcess(exits, { args: [3] });
  await other.join();
  expect(inspect(other)).toContain('ended, exit code 3)');
  expect(inspect(startProcess(waits, { cwd: '/nowhere' }))).toBe('ProcessHandle waits (not started)');
});

test('100 children at once, each with its own arguments and its own end, and none is missed', async () => {
  const children = Array.from({ length: 100 }, (_, i) => startProcess(exits, { args: [i] }));
  const ends = await Promise.all(children.map((child) => child.join()));
  expect(ends).toEqual(children.map((_, i) => ({ exitCode: i, signalCode: null })));
  for (const child of children) child.close();
}, 90_000);

test('30 children that are killed at once are all reported', async () => {
  const children = Array.from({ length: 30 }, () => startProcess(waits));
  for (const child of children) child.kill('SIGKILL');
  const errors = await Promise.all(children.map((child) => errorOf(child.result)));
  expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['ERR_AIOPIPE_START']));
  for (const child of children) expect(await child.join()).toEqual({ exitCode: null, signalCode: 'SIGKILL' });
});

test('what a child has said on stdout, stderr and in messages arrives whole, though it ends by process.exit()', async () => {
  const bytes = 10 * 1024 * 1024;
  const [reader, writer] = channel<Buffer>();
  const child = startProcess(saysMuchAndExits, { args: [bytes, writer], stdout: 'pipe', stderr: 'pipe' });
  const count = async (chunks: AsyncIterable<Buffer> | undefined) => {
    let sum = 0;
    for await (const chunk of chunks ?? []) sum += chunk.length;
    return sum;
  };
  const counts = await Promise.all([count(child.stdout?.open()), count(child.stderr?.open()), count(reader)]);
  // A word more on stdout, by a listener to its exit.
  expect(counts).toEqual([bytes + 4, bytes, bytes]);
  expect(await child.join()).toEqual({ exitCode: 0, signalCode: null });
  expect((await errorOf(child.result)).code).toBe('ERR_AIOPIPE_NO_RESULT');
  child.close();
  reader.close();
});

describe('a start', () => {
  // The limit doesn't hold for root, and another user must be able to read the fixture.
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const program = fixture('starts-at-the-process-limit');
  const canTry =
    spawnSync('prlimit', ['--version']).status === 0 &&
    spawnSync(process.execPath, ['-e', `fs.accessSync(${JSON.stringify(fixture('uses-handles'))})`], user).status === 0;

  test.runIf(canTry)('if there may be no more processes says so, and leaves nothing', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [program], user);
    expect(JSON.parse(stdout)).toEqual({ code: 'ERR_AIOPIPE_START', cause: 'EAGAIN', left: 0, state: 'moved' });
  });
});
