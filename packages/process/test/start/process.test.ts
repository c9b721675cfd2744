import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { aiopipe } from '@aiopipe/core';
import { isChild, ProcessHandle, startProcess } from '@aiopipe/process';
import { fixture, isRunning, leakCheck, until } from '@aiopipe/testing';
import * as echoes from '../fixtures/echoes.js';
import { leavesTimers, waits } from '../fixtures/ends-somehow.js';
import { descend } from '../fixtures/goes-deeper.js';
import { Point, shift } from '../fixtures/shifts-points.js';
import { commandOf, thrownBy } from '../helpers.js';

afterAll(leakCheck());

const moduleOf = (name: string) => pathToFileURL(fixture(name));

describe('a start', () => {
  test('by target calls the function with its arguments', async () => {
    const child = startProcess(echoes.echo, { args: ['a', { b: [1n, new Date(0)] }, undefined] });
    expect(child).toBeInstanceOf(ProcessHandle);
    expect(await child.result).toEqual(['a', { b: [1n, new Date(0)] }, undefined]);
    expect(await child.join()).toEqual({ exitCode: 0, signalCode: null });
  });

  test.each([
    ['name', { name: 5 }],
    ['name', { name: 'a\0b' }],
    ['cwd', { cwd: 5 }],
    ['cwd', { cwd: '/tmp\0' }],
    ['env', { env: 'A=B' }],
    ['env.A', { env: { A: 5 } }],
    ['env.A', { env: { A: 'x\0' } }],
    ['execArgv', { execArgv: '--no-warnings' }],
    ['execArgv[0]', { execArgv: [5] }],
  ])('throws at once for a %s that no process can have, and the handles stay', (field, options) => {
    const [rx, tx] = aiopipe();
    const error = thrownBy(() => startProcess(echoes.echo, { args: [tx], ...options } as never));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).message).toContain(field);
    expect(tx.state).toBe('owned');
    rx.close();
    tx.close();
  });

  test.each([null, 'abc', 5])('throws at once if its options are %o', (options) => {
    expect((thrownBy(() => startProcess(echoes.echo, options as never)) as TypeError).message).toMatch(/^options: /);
  });

  test('by URL and name calls an export, a target, and a target that is not exported', async () => {
    const start = (name: string, args: unknown[]) => startProcess(moduleOf('echoes'), { export: name, args }).result;
    expect(await Promise.all([start('join', ['x', 'y']), start('echo', [1]), start('hidden', ['treasure'])])).toEqual([
      'x y',
      [1],
      'hidden treasure',
    ]);
  });

  test('without arguments needs no options', async () => {
    expect(await startProcess(leavesTimers).result).toBe('settled');
  });

  test('names the child after its target, or by the option', async () => {
    const children = [startProcess(waits), startProcess(waits, { name: 'another name' })];
    expect(children.map(({ name }) => name)).toEqual(['waits', 'another name']);
    expect(children.map(({ pid = 0 }) => commandOf(pid).at(-1))).toEqual(['waits', 'another name']);
    for (const child of children) child.kill();
    await Promise.all(children.map((child) => child.join()));
  });

  test('carries more arguments than any buffer holds', async () => {
    const big = Buffer.alloc(5_000_000, 'abc');
    const [back] = await startProcess(echoes.echo, { args: [big] }).result;
    expect(big.equals(back as Buffer)).toBe(true);
  });

  test('carries instances of registered classes, there and back', async () => {
    const points = new Map([
      ['a', new Point(1, 2)],
      ['b', new Point(3, 4)],
    ]);
    const shifted = await startProcess(shift, { args: [points, 10] }).result;
    expect(shifted).toEqual([new Point(11, 12), new Point(13, 14)]);
    expect(shifted.every((point) => point instanceof Point)).toBe(true);
  });

  test('in a child of a child of a child works, and an end travels all the way', async () => {
    const [rx, tx] = aiopipe();
    const child = startProcess(descend, { args: [3, tx] });
    const pids = await child.result;
    expect(pids).toHaveLength(4);
    expect(pids[0]).toBe(child.pid);
    await using reader = rx.open();
    expect((await reader.read()).toString()).toBe(`from pid ${String(pids[3])}`);
    await child.join();
    await until('all of them are gone', () => !pids.some(isRunning));
  });

  test('does not make a child of this process', () => {
    expect(isChild()).toBe(false);
  });
});
