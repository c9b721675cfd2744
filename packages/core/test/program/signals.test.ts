import { afterAll, describe, expect, test } from 'vitest';
import { aiopipe } from '@aiopipe/core';
import { spawn } from '@aiopipe/core/internal';
import { leakCheck } from '@aiopipe/testing';

afterAll(leakCheck());

const sleeper = () => spawn({ file: 'sleep', argv: ['sleep', '100'], fds: new Map(), group: 'own' });

describe('a signal that is none', () => {
  test.each([
    1.5,
    999,
    65,
    -1,
    NaN,
    Infinity,
    'SIGFOO',
    'TERM',
    'sigterm',
    'SIGRTMIN+31',
    'SIGRTMIN+1.5',
    'toString',
    '',
    null,
    {},
    15n,
  ])('%s is a TypeError, sends nothing, also after the end', async (signal) => {
    const program = sleeper();
    for (const call of ['kill', 'killGroup'] as const) {
      expect(() => program[call](signal as never)).toThrow(TypeError);
    }
    expect(program.kill('SIGKILL')).toBe(true);
    expect(await program.exited).toMatchObject({ signalCode: 'SIGKILL' });
    for (const call of ['kill', 'killGroup'] as const) {
      expect(() => program[call](signal as never)).toThrow(TypeError);
    }
  });
});

describe('a program that a signal ended tells which', () => {
  test.each([
    [34, 'SIGRTMIN'],
    [35, 'SIGRTMIN+1'],
    [64, 'SIGRTMIN+30'],
    [16, 'SIGSTKFLT'],
  ] as const)('%i', async (number, name) => {
    for (const signal of [number, name] as const) {
      const program = sleeper();
      program.kill(signal as number);
      expect(await program.exited).toMatchObject({ exitCode: null, signalCode: name });
    }
  });
});

test.each(['kill', 'killGroup'] as const)('SIGTERM reaches a program that is stopped (%s)', async (call) => {
  const [rx, tx] = aiopipe();
  const script = 'trap "echo handled; exit 3" TERM; echo ready; kill -STOP $$; sleep 100 & wait';
  const program = spawn({ file: 'sh', argv: ['sh', '-c', script], fds: new Map([[1, tx.fd]]), group: 'own' });
  tx.close();
  const reader = rx.open();
  expect(String(await reader.readLine())).toBe('ready\n');
  expect(program[call]('SIGTERM')).toBe(true);
  expect(await program.exited).toMatchObject({ exitCode: 3 });
  program.killGroup('SIGKILL');
  expect(String(await reader.read())).toBe('handled\n');
  reader[Symbol.dispose]();
});
