import { afterAll, expect, test } from 'vitest';
import { ClosedError } from '@aiopipe/core';
import { Supervisor, type AnySpec } from '@aiopipe/process';
import { leakCheck, until } from '@aiopipe/testing';
import { hold } from '../fixtures/holds-a-partition.js';
import { commandOf, linesOf, scratchFiles, thrownBy } from '../helpers.js';

const { newFile, remove } = scratchFiles();
const checkLeaks = leakCheck();
afterAll(async () => {
  remove();
  await checkLeaks();
});

const keys = Array.from({ length: 40 }, (_, n) => `key ${String(n)}`);

test('a child with partitions is that many processes, and each key has one of them', async () => {
  const file = newFile();
  await using supervisor = new Supervisor([
    { id: 'cache', type: 'partitioned', partitions: 3, target: hold, args: (index) => [file, index], ready: {} },
  ]);
  await supervisor.start();
  expect(linesOf(file).map((line) => line.split(' ')[0])).toEqual(['0', '1', '2']);
  const pidOf = (key: string | number) => supervisor.which('cache', key).pid;
  const pids = keys.map(pidOf);
  expect(new Set(pids)).toEqual(new Set(linesOf(file).map((line) => Number(line.split(' ')[1]))));
  expect(keys.map(pidOf)).toEqual(pids);
  expect([0, 1, 2, 3].map(pidOf)).toEqual([pidOf(3), pidOf(4), pidOf(-5), pidOf(0)]);
  expect(commandOf(pidOf(1) as number).at(-1)).toBe('cache-1');
});

test('a partition that dies is restarted with its own arguments, and keeps its keys', async () => {
  const file = newFile();
  await using supervisor = new Supervisor([
    {
      id: 'outer',
      type: 'supervisor',
      children: [
        {
          id: 'cache',
          type: 'partitioned',
          partitions: 2,
          target: hold,
          args: (index: number) => [file, index],
          ready: {},
        },
      ],
    },
  ]);
  await supervisor.start();
  const nested = supervisor.whichChildren()[0]?.supervisor;
  const before = keys.map((key) => nested?.which('cache', key));
  process.kill(before[0]?.pid as number, 'SIGKILL');
  await until('it is restarted', () => linesOf(file).length === 3);
  await until('it is ready', () => nested?.which('cache', keys[0] as string).state === 'running');
  const after = keys.map((key) => nested?.which('cache', key));
  expect(after.map((child) => child?.id)).toEqual(before.map((child) => child?.id));
  expect(linesOf(file)[2]?.split(' ')[0]).toBe(before[0]?.id);
  expect(after[0]?.pid).not.toBe(before[0]?.pid);
});

test('which() refuses what is no partitioned child, and wrong keys', async () => {
  const file = newFile();
  await using supervisor = new Supervisor([{ id: 'one', target: hold, args: [file, 0] }]);
  expect(thrownBy(() => supervisor.which('two', 1)).code).toBe('ERR_AIOPIPE_CHILD_ID');
  expect(thrownBy(() => supervisor.which('one', 1))).toBeInstanceOf(TypeError);
  await supervisor.start();
  const added = await supervisor.startChild({
    id: 'two',
    type: 'partitioned',
    partitions: 1,
    target: hold,
    args: [file, 0],
  });
  expect(added.countChildren().workers).toBe(1);
  expect(supervisor.which('two', 'x').state).toBe('running');
  expect(thrownBy(() => supervisor.which('two', 1.5))).toBeInstanceOf(TypeError);
  await supervisor.terminateChild('two');
  expect(thrownBy(() => supervisor.which('two', 1))).toBeInstanceOf(ClosedError);
});

test.each([
  ['partitions', { partitions: 0 }],
  ['partitions: expected a whole number of partitions, from 1 to 1024, not undefined', { partitions: undefined }],
  ['partition', { partition: 2 }],
  ['target', { target: 5 }],
  ['child "cache".intensity: expected a whole number, 0 or more, not -1', { intensity: -1 }],
  ['significant', { significant: true }],
])('a wrong %s of partitions is refused', (name, change) => {
  const spec = { id: 'cache', type: 'partitioned', partitions: 2, target: hold, args: ['', 0], ...change };
  const error = thrownBy(() => new Supervisor([spec as unknown as AnySpec]));
  expect(error).toBeInstanceOf(TypeError);
  expect(error.message).toContain(name);
});
