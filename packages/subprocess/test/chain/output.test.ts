import { readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { aioduplex, aiopipe, SystemError, type WriteEnd } from '@aiopipe/core';
import { pipeline, popen, tee, type PipelineError, type StageInput } from '@aiopipe/subprocess';
import { fixtureArgv, leakCheck, runFixture, until } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { inDirectory, shell, whatIsThere } from '../helpers.js';

afterAll(leakCheck());

async function* same(input: StageInput) {
  yield* input;
}

const numbers = ['seq', '100000'];

describe.each([
  ['a program', pipeline(numbers, ['cat'])],
  ['a function', pipeline(numbers, same)],
])('output of %s', (_name, chain) => {
  it('to a file is all that is in it, and stdout is empty', () =>
    inDirectory(async (path) => {
      writeFileSync(path('out'), 'before');
      const { stdout } = await chain.run({ output: { file: path('out') } });
      expect([stdout, readFileSync(path('out'), 'utf8')]).toEqual(['', shell('seq 100000')]);
    }));

  it('is appended to a file', () =>
    inDirectory(async (path) => {
      writeFileSync(path('out'), 'before\n');
      await chain.run({ output: { file: path('out'), append: true } });
      expect(readFileSync(path('out'), 'utf8')).toBe(`before\n${shell('seq 100000')}`);
    }));

  it('goes on in an open file', () =>
    inDirectory(async (path) => {
      await using handle = await open(path('out'), 'w');
      await handle.write('head\n');
      await chain.run({ output: handle });
      await chain.run({ output: handle });
      await handle.write('tail\n');
      expect(readFileSync(path('out'), 'utf8')).toBe(`head\n${shell('seq 100000; seq 100000')}tail\n`);
    }));

  it('goes into an end, which moves', async () => {
    const { fds } = whatIsThere();
    const [rx, tx] = aiopipe();
    const running = chain.run({ output: tx });
    expect(tx.state).not.toBe('owned');
    await using reader = rx.open();
    expect(String(await reader.read())).toBe(shell('seq 100000'));
    expect((await running).stdout).toBe('');
    reader[Symbol.dispose]();
    expect(fds()).toEqual([]);
  });

  it('can be thrown away', async () => {
    expect((await chain.run({ output: 'ignore' })).stdout).toBe('');
  });

  it('to a file that cannot be opened rejects with SystemError, and nothing is left', async () => {
    const { fds, children } = whatIsThere();
    const failed = chain.run({ output: { file: '/no/such/file' } });
    await expect(failed).rejects.toThrow(SystemError);
    await expect(failed).rejects.toMatchObject({ code: 'ENOENT', path: '/no/such/file' });
    expect([fds(), children()]).toEqual([[], []]);
  });

  it('to a full disk is a failure', async () => {
    await expect(chain.run({ output: { file: '/dev/full' } })).rejects.toThrow(/cat: exit code 1|ENOSPC/);
  });

  it('can be ended while it waits for its reader', async () => {
    const { children } = whatIsThere();
    const [rx, tx] = aiopipe();
    await expect(chain.run({ output: tx, timeout: 100 })).rejects.toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    expect(children()).toEqual([]);
    rx.close();
  });

  it('refuses bad values at once', async () => {
    const [rx, tx] = aiopipe();
    await expect(chain.run({ output: 'pipe' as never })).rejects.toThrow(/output: expected 'inherit', 'ignore'/);
    await expect(chain.run({ output: process.stdout as never })).rejects.toThrow(/process\.stdout is 'inherit'/);
    await expect(chain.run({ output: rx as never })).rejects.toThrow(/output: the child writes to this descriptor/);
    await expect(chain.run({ output: tx, maxOutput: 5 })).rejects.toThrow(/maxOutput/);
    expect([rx.state, tx.state]).toEqual(['owned', 'owned']);
    tx.close();
    rx.close();
    await expect(chain.run({ output: tx })).rejects.toThrow(/is closed/);
  });
});

describe('output into an end whose reader has gone', () => {
  it('is the failure of a program, as in a shell', async () => {
    const [rx, tx] = aiopipe();
    rx.close();
    await expect(pipeline(['yes']).run({ output: tx })).rejects.toMatchObject({ stages: [{ signalCode: 'SIGPIPE' }] });
  });

  it('ends a function, as a success', async () => {
    const [rx, tx] = aiopipe();
    rx.close();
    const { stages } = await pipeline(['yes'], same).run({ output: tx });
    expect(stages).toMatchObject([{ signalCode: 'SIGPIPE' }, { exitCode: 0 }]);
    const [a, b] = aioduplex();
    a.close();
    await pipeline(['yes'], same).run({ output: b });
    expect(b.state).toBe('closed');
  });
});

describe('inherited output', () => {
  it('is our own stdout, of a program and of a function', async () => {
    const { stdout } = await runFixture('inherited-output');
    expect(stdout).toBe('1\n2\nprogram\n1\n2\nfunction\n');
  });

  it('without a reader ends a function, as a success', async () => {
    const [rx, tx] = aiopipe();
    rx.close();
    const { exitCode } = await popen(fixtureArgv('writes-to-closed-stdout'), { stdout: tx }).wait();
    expect(exitCode).toBe(0);
  });
});

describe('tee', () => {
  it('writes to a file what goes on in the chain', () =>
    inDirectory(async (path) => {
      const { stdout } = await pipeline(numbers, tee({ file: path('copy') }), ['md5sum']).run();
      expect(stdout).toBe(shell('seq 100000 | md5sum'));
      expect(readFileSync(path('copy'), 'utf8')).toBe(shell('seq 100000'));
    }));

  it('feeds another chain through an end', async () => {
    const [rx, tx] = aiopipe();
    const [sums, lines] = await Promise.all([
      pipeline(numbers, tee(tx), ['md5sum']).run(),
      pipeline(['wc', '-l']).run({ input: rx }),
    ]);
    expect(sums.stdout).toBe(shell('seq 100000 | md5sum'));
    expect(lines.stdout.trim()).toBe('100000');
    expect(sums.stages[1]?.name).toBe('tee');
  });

  it('goes on without a target that has enough', async () => {
    const [rx, tx] = aiopipe();
    const [sums, line] = await Promise.all([
      pipeline(numbers, tee(tx), ['md5sum']).run(),
      pipeline(['head', '-1']).run({ input: rx }),
    ]);
    expect([sums.stdout, line.stdout]).toEqual([shell('seq 100000 | md5sum'), '1\n']);
  });

  it('waits for a target that is slow', async () => {
    const [rx, tx] = aiopipe();
    let made = 0;
    const source = function* () {
      for (; made < 200; made++) yield Buffer.alloc(64 * 1024, 'x');
    };
    const running = pipeline(source, tee(tx), ['wc', '-c']).run();
    await using reader = rx.open();
    await reader.readExactly(1);
    await until('the pipe is full', () => made > 0);
    expect(made).toBeLessThan(10);
    const rest = await reader.read();
    expect([rest.length + 1, (await running).stdout.trim()]).toEqual([200 * 64 * 1024, String(200 * 64 * 1024)]);
  });

  it('can be ended while it waits for its target', async () => {
    const { fds, children } = whatIsThere();
    const [rx, tx] = aiopipe();
    const running = pipeline(['yes'], tee(tx), ['cat']).run({ output: 'ignore', timeout: 100, grace: 20_000 });
    await expect(running).rejects.toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    rx.close();
    expect([tx.state, fds(), children()]).toEqual(['closed', [], []]);
  });

  it('fails if the target cannot be written', async () => {
    await expect(pipeline(numbers, tee({ file: '/dev/full' }), ['cat']).run()).rejects.toMatchObject({
      code: 'ERR_AIOPIPE_PIPELINE',
      cause: { code: 'ENOSPC' },
    });
    expect(() => tee('pipe' as never)).toThrow(TypeError);
    expect(() => tee('/tmp/log' as never)).toThrow(/; for a file, write \{ file: '\/tmp\/log' \}$/);
  });

  it('ends when the chain has enough, and closes its target', async () => {
    const [rx, tx] = aiopipe();
    const copy = pipeline(['uniq']).run({ input: rx });
    expect((await pipeline(['yes'], tee(tx), ['head', '-1']).run()).stdout).toBe('y\n');
    expect((await copy).stdout).toBe('y\n');
  });
});

describe('stderr of the chain', () => {
  const script = (text: string) => ['sh', '-c', `cat; echo ${text} >&2`];

  it('shared is one pipe for all, in the order in which they wrote', async () => {
    const ping = ['sh', '-c', 'echo one >&2; echo go; cat'];
    const pong = ['sh', '-c', 'read go; echo two >&2; echo out'];
    const { stdout, stderr, stages } = await pipeline(ping, pong, script('three')).run({ stderr: 'shared' });
    expect([stdout, stderr]).toEqual(['out\n', 'one\ntwo\nthree\n']);
    expect(stages.map((stage) => stage.stderr)).toEqual([undefined, undefined, undefined]);
  });

  it('shared is in the message of a failure', async () => {
    const error = await pipeline(['sh', '-c', 'echo oops >&2; exit 2'], ['cat'])
      .run({ stderr: 'shared' })
      .catch((thrown: unknown) => thrown as PipelineError);
    expect(error).toMatchObject({ stderr: 'oops\n', message: expect.stringContaining('oops') });
  });

  it('goes to one file that is opened once', () =>
    inDirectory(async (path) => {
      await pipeline(script('a'), script('b'), script('c')).run({ stderr: { file: path('err') } });
      expect(readFileSync(path('err'), 'utf8').split('\n').sort()).toEqual(['', 'a', 'b', 'c']);
    }));

  it('goes into one end, which moves', async () => {
    const [rx, tx] = aiopipe();
    await pipeline(script('a'), script('b')).run({ stderr: tx });
    expect(tx.state).toBe('moved');
    await using reader = rx.open();
    expect(
      String(await reader.read())
        .split('\n')
        .sort(),
    ).toEqual(['', 'a', 'b']);
  });

  it('counts only for stages that don’t say their own', async () => {
    const { stderr, stages } = await pipeline({ argv: script('own'), stderr: 'pipe' }, script('none')).run({
      stderr: 'ignore',
    });
    expect([stderr, stages[0]?.stderr, stages[1]?.stderr]).toEqual(['own\n', 'own\n', undefined]);
  });

  it('inherited is ours', async () => {
    const { stderr } = await runFixture('inherited-output', { args: ['stderr'] });
    expect(stderr.split('\n').sort()).toEqual(['', 'one', 'two']);
  });
});

describe('toString()', () => {
  it('shows files and functions', () => {
    const chain = pipeline(['sort'], same, ['uniq', '-c']);
    expect(chain.toString({ input: { file: 'a b' }, output: { file: 'out', append: true } })).toBe(
      `sort <'a b' | [Function: same] | uniq -c >>out`,
    );
    expect(pipeline(['ls']).toString({ output: 'ignore' })).toBe('ls >/dev/null');
    expect(String(pipeline(() => undefined))).toBe('[Function: (anonymous)]');
  });

  it('stands in errors, with the files', async () => {
    const failed = pipeline(['false']).run({ input: { file: '/etc/passwd' }, output: { file: '/dev/null' } });
    await expect(failed).rejects.toThrow(/`false <\/etc\/passwd >\/dev\/null` failed/);
  });
});

it.each<[string, (end: WriteEnd) => Promise<unknown>]>([
  ['its output', (tx) => pipeline(['no-such-program'], ['cat']).run({ output: tx })],
  ['its stderr', (tx) => pipeline(['no-such-program'], ['cat']).run({ stderr: tx })],
  ['a stage’s stderr', (tx) => pipeline(['no-such-program'], { argv: ['cat'], stderr: tx }).run()],
  ['the target of tee', (tx) => pipeline(['no-such-program'], tee(tx)).run()],
  ['the target of a tee that was not come to', (tx) => pipeline(['seq', '3'], tee(tx), ['no-such-program']).run()],
])('an end that is %s is closed though the chain cannot start', async (_name, start) => {
  const [rx, tx] = aiopipe();
  await expect(start(tx)).rejects.toMatchObject({ code: 'ENOENT' });
  await using reader = rx.open();
  expect(String(await reader.read())).toBe('');
});
