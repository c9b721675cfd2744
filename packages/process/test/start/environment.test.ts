import { startProcess } from '@aiopipe/process';
import { fixture, leakCheck } from '@aiopipe/testing';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

afterAll(leakCheck());

const module = pathToFileURL(fixture('tells-about-itself'));

describe('the environment of a child', () => {
  it.each<[string, unknown]>([
    ['a Map', new Map([['A', 'b']])],
    ['a list', ['A=b']],
    ['a promise', Promise.resolve({})],
    ['null', null],
    ['a number as a value', { A: 1 }],
    ['an inherited value that is no string', Object.create({ A: 1 })],
    ['a name with =', { 'A=B': 'c' }],
    ['an empty name', { '': 'c' }],
    ['a NUL in a value', { A: 'c\0' }],
  ])('is refused if it has %s, as that of a program is', (_what, env) => {
    expect(() => startProcess(module, { export: 'describeSelf', env: env as NodeJS.ProcessEnv })).toThrow(/^env/);
  });

  it('has inherited names, as in Node', async () => {
    process.env['OURS'] = 'ours';
    const env = Object.create(process.env) as Record<string, string>;
    env['MORE'] = 'more';
    const child = startProcess(module, { export: 'describeSelf', env });
    expect(await child.result).toMatchObject({ env: { OURS: 'ours', MORE: 'more' } });
    await child.join();
    delete process.env['OURS'];
  });
});
