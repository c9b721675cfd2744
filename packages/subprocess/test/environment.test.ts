import { pipeline, popen, type Environment } from '@aiopipe/subprocess';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';

afterAll(leakCheck());

const SHOW = ['sh', '-c', 'echo "$OURS $MORE $HOME"'];

describe('an environment', () => {
  it('has inherited names, as in Node', async () => {
    const base = { PATH: process.env['PATH'], OURS: 'ours', HOME: '/base' };
    const env = Object.assign(Object.create(base) as Record<string, string>, { MORE: 'more' });
    expect((await pipeline({ argv: SHOW, env })).stdout).toBe('ours more /base\n');
    process.env['OURS'] = 'of process.env';
    const derived = Object.create(process.env) as Record<string, string | undefined>;
    derived['HOME'] = undefined;
    expect((await pipeline({ argv: SHOW, env: derived })).stdout).toBe('of process.env  \n');
    delete process.env['OURS'];
  });

  it.each<[string, unknown]>([
    ['a Map', new Map([['A', 'b']])],
    ['a list', ['A=b']],
    ['a promise', Promise.resolve({})],
    ['null', null],
    ['a number as a value', { A: 1 }],
    ['null as a value', { A: null }],
    ['an inherited value that is no string', Object.create({ A: 1 })],
    ['a name with =', { 'A=B': 'c' }],
    ['an empty name', { '': 'c' }],
    ['a NUL in a name', { 'A\0': 'c' }],
    ['a NUL in a value', { A: 'c\0' }],
  ])('that has %s is refused', (_what, env) => {
    expect(() => pipeline({ argv: ['true'], env: env as Environment })).toThrow(TypeError);
    expect(() => popen(['true'], { env: env as Environment })).toThrow(/^env/);
  });
});
