import { afterAll, expect, test } from 'vitest';
import { sharedMemory } from '@aiopipe/core';
import { Pool, startProcess } from '@aiopipe/process';
import { leakCheck, sharedMappings, until } from '@aiopipe/testing';
import { fill, passOn, sum } from '../fixtures/passes-memory.js';

afterAll(leakCheck());

test('shared memory moves through five processes, and back', async () => {
  const memory = sharedMemory(64 * 1024);
  const child = startProcess(passOn, { args: [memory, 4] });
  expect([memory.state, memory.byteLength]).toEqual(['moved', 0]);
  using back = await child.result;
  const pids = [...new Uint32Array(back.buffer, 0, 6)];
  expect(pids.pop()).toBe(0);
  expect(pids[4]).toBe(child.pid);
  expect(new Set(pids).size).toBe(5);
  await child.join();
});

test('a task of a pool takes shared memory and returns it', async () => {
  await using fills = new Pool(fill, { size: 2 });
  await using sums = new Pool(sum, { size: 1 });
  let memory = sharedMemory(1024 * 1024);
  for (let byte = 1; byte <= 20; byte++) {
    ({ memory } = await fills.run(memory, byte));
    expect([memory.bytes[0], memory.bytes.at(-1), memory.state]).toEqual([byte, byte, 'owned']);
  }
  using share = memory.share();
  expect(await sums.run(share)).toBe(20 * 1024 * 1024);
  memory.close();
  await until('nothing is mapped', () => sharedMappings().length === 0);
});

test('memory in the arguments is closed with a child that dies before it took it', async () => {
  const memory = sharedMemory(1024);
  const child = startProcess(sum, { args: [memory] });
  child.kill('SIGKILL');
  await child.join();
  expect(memory.state).toBe('moved');
  await until('nothing is mapped', () => sharedMappings().length === 0);
});
