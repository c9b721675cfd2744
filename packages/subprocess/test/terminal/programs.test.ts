// Programs that people use on a terminal, driven by keys.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { isRunning, leakCheck, until } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { inDirectory } from '../helpers.js';
import { User } from './user.js';

afterAll(leakCheck());

const has = (name: string) => spawnSync('sh', ['-c', 'command -v "$0"', name], { stdio: 'ignore' }).status === 0;
const textOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : undefined);
const env = { PATH: process.env['PATH'], LC_ALL: 'C' };

describe('on a terminal', () => {
  it('ls --color=auto has colours', () =>
    inDirectory(async (path) => {
      mkdirSync(path('folder'));
      await using user = User.of(['ls', '--color=auto', path('.')], { env });
      // An escape sequence of colour before the name.
      // oxlint-disable-next-line no-control-regex
      expect(await user.rest()).toMatch(/\x1b\[[\d;]*mfolder/);
    }));

  it.skipIf(!has('vim'))('vim is typed into, resized, and saves the file', () =>
    inDirectory(async (path) => {
      const onResize = `autocmd VimResized * call writefile([&columns .. ' ' .. &lines], '${path('size')}')`;
      await using user = User.of(['vim', '-Nu', 'NONE', '-i', 'NONE', '-n', '--cmd', onResize, path('text')], { env });
      await user.sees('[New');
      user.program.resize({ columns: 60, rows: 12 });
      // vim may begin to wait for keys just after the signal: then it looks at the size with the next key.
      await user.type('\x1b');
      await until('vim knows its size', () => textOf(path('size')) === '60 12\n');
      await user.type('ione\rtwo');
      await user.sees('two');
      await user.type('\x1b:wq\r');
      await user.rest();
      expect((await user.program.wait()).exitCode).toBe(0);
      expect(await readFile(path('text'), 'utf8')).toBe('one\ntwo\n');
    }),
  );

  it.skipIf(!has('less'))('less shows pages, goes to the end, and quits', () =>
    inDirectory(async (path) => {
      const lines = Array.from({ length: 500 }, (_, i) => `line ${String(i + 1)}.`);
      await writeFile(path('text'), `${lines.join('\n')}\n`);
      await using user = User.of(['less', path('text')], { env, terminal: { columns: 60, rows: 10 } });
      await user.sees('line 9.');
      await user.type(' ');
      await user.sees('line 18.');
      await user.type('G');
      await user.sees('line 500.');
      await user.type('q');
      const rest = await user.rest();
      expect(rest).not.toContain('line 19.');
      expect((await user.program.wait()).exitCode).toBe(0);
    }),
  );
});

describe.skipIf(!has('bash'))('a shell with job control (needs bash)', () => {
  const shell = () => User.of(['bash', '--norc', '--noprofile', '--noediting', '-i'], { env: { ...env, PS1: '> ' } });

  it('stops a job by Ctrl-Z, continues it, and ends it by Ctrl-C', async () => {
    await using user = shell();
    await user.sees('> ');
    await user.type('cat\r');
    await user.sees('cat\r\n');
    await user.type('one\r');
    await user.sees('one\r\none\r\n');
    await user.type('\x1a');
    await user.sees('Stopped');
    await user.sees('> ');
    await user.type('fg\r');
    await user.sees('cat\r\n');
    await user.type('two\r');
    await user.sees('two\r\ntwo\r\n');
    await user.type('\x03');
    await user.sees('> ');
    await user.type('echo "status $?"\r');
    await user.sees('status 130');
    await user.type('exit\r');
    await user.rest();
    expect((await user.program.wait()).exitCode).toBe(0);
  });

  it('ends its jobs when its terminal is closed', async () => {
    const user = shell();
    await user.sees('> ');
    await user.type('sleep 1000 & echo "job $!"\r');
    const job = Number((await user.sees(/job \d+\r/)).match(/\d+/)?.[0]);
    await user.sees('> ');
    await user.type('sleep 1001\r');
    await user.sees('1001\r\n');
    await user.stream[Symbol.asyncDispose]();
    expect((await user.program.wait()).signalCode).toBe('SIGHUP');
    await until('the job has ended', () => !isRunning(job));
  });
});
