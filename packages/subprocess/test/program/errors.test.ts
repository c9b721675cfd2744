import { mkdirSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { aiopipe, ClosedError, SystemError } from '@aiopipe/core';
import { popen, type PopenOptions } from '@aiopipe/subprocess';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { errorOf, inDirectory, whatIsThere } from '../helpers.js';

afterAll(leakCheck());

const PIPES = { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' } as const;

describe('a program that cannot be started', () => {
  it.each([
    ['isn’t there', ['no-such-program'], {}, 'ENOENT', 'no-such-program'],
    ['isn’t there, by its path', ['/no/such/program'], {}, 'ENOENT', '/no/such/program'],
    ['is a directory', ['/tmp'], {}, 'EACCES', '/tmp'],
    ['has no directory to start in', ['cat'], { cwd: '/no/such/directory' }, 'ENOENT', '/no/such/directory'],
    ['has no file to read', ['cat'], { stdin: { file: '/no/such/file' } }, 'ENOENT', '/no/such/file'],
    ['has no file to write', ['cat'], { stdout: { file: '/no/such/file' } }, 'ENOENT', '/no/such/file'],
    ['has a group that isn’t there', ['cat'], { group: 0x3fffff }, 'EPERM', undefined],
  ])('because it %s: says so, and leaves nothing', (_name, argv, options, code, path) => {
    const { fds, children } = whatIsThere();
    const error = errorOf(() => popen(argv, { ...PIPES, ...options } as PopenOptions));
    expect(error).toBeInstanceOf(SystemError);
    expect([error.code, error.path]).toEqual([code, path]);
    expect(error.message).toContain(path ?? argv[0]);
    expect([fds(), children()]).toEqual([[], []]);
  });

  it('because it isn’t executable, or its interpreter isn’t there: says so, and leaves nothing', () =>
    inDirectory((path) => {
      const { fds, children } = whatIsThere();
      writeFileSync(path('text'), 'text');
      expect(errorOf(() => popen([path('text')], PIPES))).toMatchObject({ code: 'EACCES', path: path('text') });
      writeFileSync(path('script'), '#!/no/such/program', { mode: 0o755 });
      expect(errorOf(() => popen([path('script')], PIPES))).toMatchObject({ code: 'ENOENT', path: '/no/such/program' });
      mkdirSync(path('dir'));
      expect(errorOf(() => popen(['cat'], { ...PIPES, cwd: path('text') })).code).toBe('ENOTDIR');
      expect([fds(), children()]).toEqual([[], []]);
    }));

  it('closes the ends that it was given, so that their other sides see the end', async () => {
    const [rx, tx] = aiopipe();
    expect(errorOf(() => popen(['no-such-program'], { stdout: tx })).code).toBe('ENOENT');
    expect(tx.state).toBe('moved');
    await using reader = rx.open();
    expect(await reader.read()).toHaveLength(0);
  });
});

describe('bad arguments', () => {
  const [rx, tx] = aiopipe();
  const cases: [string, unknown, unknown, RegExp][] = [
    ['a string', 'ls -l', {}, /argv: expected an array, not the string 'ls -l'/],
    ['no argv', undefined, {}, /argv: expected an array of strings/],
    ['an empty argv', [], {}, /argv: .* not an empty array/],
    ['an empty name', [''], {}, /argv\[0\]: .* empty/],
    ['a number in argv', ['sleep', 1], {}, /argv\[1\]: expected a string, not 1/],
    ['a NUL in argv', ['echo', 'a\0b'], {}, /argv\[1\]: 'a\\x00b' contains a NUL/],
    ['a NUL in env', ['echo'], { env: { A: '\0' } }, /env\.A: .* NUL/],
    ['a number in env', ['echo'], { env: { A: 1 } }, /env\.A: expected a string/],
    ['a = in a variable’s name', ['echo'], { env: { 'A=': '' } }, /'A=' cannot be the name of a variable/],
    ['an empty cwd', ['echo'], { cwd: '' }, /cwd: expected/],
    ['an unknown word', ['echo'], { stdin: 'pip' }, /stdin: expected 'pipe', .* not 'pip'/],
    ['stdout as stdout', ['echo'], { stdout: 'stdout' }, /stdout: expected/],
    ['a number as stdin', ['echo'], { stdin: 0 }, /ReadEnd\.fromFd/],
    ['null as stdin', ['echo'], { stdin: null }, /stdin: expected 'pipe'/],
    ['our stdin as a stream', ['cat'], { stdin: process.stdin }, /process\.stdin is 'inherit'/],
    ['our stderr as a stream', ['cat'], { stderr: process.stderr }, /process\.stderr is 'inherit'/],
    ['a stream as stdin', ['cat'], { stdin: Readable.from([]) }, /pipe the stream into .*toNode\(\)/],
    ['a stream as stdout', ['cat'], { stdout: process.stderr }, /toNode\(\)/],
    ['null as options', ['cat'], null, /options: expected an object, .* not null/],
    ['an argv as options', ['cat'], ['x'], /options: expected an object, .* not \[ 'x' \]/],
    ['a write end to read from', ['cat'], { stdin: tx }, /stdin: .*needs a ReadEnd, not a WriteEnd/],
    ['a read end to write to', ['cat'], { stdout: rx }, /stdout: .*needs a WriteEnd, not a ReadEnd/],
    ['an extra fd below 3', ['cat'], { fds: { 2: tx } }, /fds: expected numbers from 3/],
    ['an extra fd in another writing', ['cat'], { fds: { '3': tx, '0x4': tx } }, /fds: .* not '0x4'/],
    ['an extra fd that is none', ['cat'], { fds: { 3: 'pipe' } }, /fds\[3\]: expected a pipe end/],
    ['a group that is none', ['cat'], { group: -1 }, /group: expected/],
    ['a group that no system has', ['cat'], { group: 2 ** 32 }, /group: expected/],
    ['a file without a path', ['cat'], { stdin: { file: '' } }, /stdin: expected the path/],
  ];

  it.each(cases)('%s: a TypeError before anything was made', (_name, argv, options, message) => {
    const { fds, children } = whatIsThere();
    const error = errorOf(() => popen(argv as string[], options as PopenOptions));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(message);
    expect([rx.state, tx.state, fds(), children()]).toEqual(['owned', 'owned', [], []]);
  });

  afterAll(() => {
    rx.close();
    tx.close();
  });

  it('an end that is closed takes none of the others along', () => {
    const [r, w] = aiopipe();
    r.close();
    expect(() => popen(['cat'], { stdout: w, stdin: r })).toThrow(ClosedError);
    expect(w.state).toBe('owned');
    w.close();
  });

  it('a FileHandle that is closed', async () => {
    const handle = await open('/dev/null');
    await handle.close();
    expect(() => popen(['cat'], { stdin: handle })).toThrow(ClosedError);
  });
});
