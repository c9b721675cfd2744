import { readFileSync } from 'node:fs';
import { aiopipe, SystemError } from '@aiopipe/core';
import { OutputTooLongError, pipeline, PipelineError, type Stage } from '@aiopipe/subprocess';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { inDirectory, shell, whatIsThere } from '../helpers.js';

afterAll(leakCheck());

describe('the output', () => {
  it.each<[string, Stage[]]>([
    ['one program', [['echo', 'hi']]],
    [
      'two',
      [
        ['seq', '1000'],
        ['wc', '-l'],
      ],
    ],
    [
      'three',
      [
        ['seq', '1000'],
        ['grep', '7'],
        ['sort', '-r'],
      ],
    ],
    ['five', [['seq', '99'], ['cat'], ['sort', '-n'], ['tail', '-3'], ['head', '-1']]],
    [
      'arguments that a shell would take apart',
      [['printf', '%s|', '$HOME', "it's", '*', '', 'a  b', '\n', '~'], ['cat']],
    ],
    ['stderr in stdout', [{ argv: ['sh', '-c', 'echo out; echo err >&2'], stderr: 'stdout' }, ['cat', '-n']]],
    ['stderr ignored', [{ argv: ['sh', '-c', 'echo out; echo err >&2'], stderr: 'ignore' }, ['cat', '-n']]],
    ['another directory', [{ argv: ['pwd'], cwd: '/usr/bin' }, ['cat']]],
  ])('of %s is the shell’s, run from toString()', async (_name, stages) => {
    const chain = pipeline(...(stages as [Stage]));
    const { stdout } = await chain.run();
    expect(stdout).toBe(shell(chain.toString()));
    expect(stdout).not.toBe('');
  });

  it('is whole, and the same to the byte, however large', async () => {
    const { stdout } = await pipeline(['seq', '2000000'], ['cat']).run({ encoding: 'buffer' });
    expect(Buffer.compare(stdout, Buffer.from(shell('seq 2000000')))).toBe(0);
  });

  it('can be text in another encoding, also if it is no UTF-8', async () => {
    const chain = pipeline(['printf', '\\377\\303\\251']);
    expect((await chain.run({ encoding: 'latin1' })).stdout).toBe('\xff\xc3\xa9');
    expect((await chain.run({ encoding: 'hex' })).stdout).toBe('ffc3a9');
    expect((await chain.run()).stdout).toBe('\ufffdé');
  });

  it('tells of every stage', async () => {
    const { stages, stderr } = await pipeline(
      ['sh', '-c', 'echo one >&2; echo x'],
      ['sh', '-c', 'cat; echo two >&2'],
    ).run();
    expect(stages).toMatchObject([
      { argv: ['sh', '-c', 'echo one >&2; echo x'], exitCode: 0, signalCode: null, stderr: 'one\n' },
      { exitCode: 0, stderr: 'two\n' },
    ]);
    expect(stderr).toBe('one\ntwo\n');
    for (const { pid, resourceUsage } of stages) {
      expect(pid).toBeGreaterThan(1);
      expect(resourceUsage.maxRSS).toBeGreaterThan(100);
    }
  });

  it('can be had any number of times', async () => {
    const chain = pipeline(['cat']);
    expect((await chain.run({ input: 'a' })).stdout + (await chain.run({ input: 'b' })).stdout).toBe('ab');
  });

  it('ends at maxOutput, with an error that has what came until there', async () => {
    const failed = pipeline(['yes'], ['cat']).run({ maxOutput: 7 });
    await expect(failed).rejects.toThrow(OutputTooLongError);
    await expect(failed).rejects.toMatchObject({ code: 'ERR_AIOPIPE_OUTPUT_TOO_LONG', stdout: 'y\ny\ny\ny' });
    expect((await pipeline(['echo', '123456']).run({ maxOutput: 7 })).stdout).toBe('123456\n');
  });

  it('ends if no string could hold more, with the bytes that came until there', async () => {
    const { fds, children } = whatIsThere();
    const failed = pipeline(['yes'], ['cat']).run({ encoding: 'hex' });
    await expect(failed).rejects.toThrow(/more than 268435444 bytes, the most that a string can hold,.*'buffer'/);
    const { stdout } = (await failed.catch((error: unknown) => error)) as OutputTooLongError;
    expect([stdout.length, stdout.slice(-2)]).toEqual([268_435_444, Buffer.from('y\n')]);
    expect([fds(), children()]).toEqual([[], []]);
  });
});

describe('a stage that fails', () => {
  it('fails the chain, with every status and stderr', async () => {
    const run = pipeline(['sh', '-c', 'echo a; echo oops >&2; exit 3'], ['cat'], ['sort', '--bad-option']).run();
    const error = await run.catch((reason: unknown) => reason as PipelineError);
    if (!(error instanceof PipelineError)) throw new Error('it succeeded');
    expect(error.code).toBe('ERR_AIOPIPE_PIPELINE');
    // The end of `cat` depends on which side is faster.
    expect(error.stages).toMatchObject([{ exitCode: 3, stderr: 'oops\n' }, { argv: ['cat'] }, { exitCode: 2 }]);
    expect(error.message).toMatch(/sh: exit code 3.*, sort: exit code 2/);
    expect(error.message).toContain('oops');
    expect(error.message).toContain('bad-option');
  });

  it('keeps what came until then', async () => {
    await expect(pipeline(['sh', '-c', 'echo part; exit 1']).run()).rejects.toMatchObject({ stdout: 'part\n' });
  });

  it('is one that a signal ended', async () => {
    await expect(pipeline(['sh', '-c', 'kill -KILL $$'], ['cat']).run()).rejects.toThrow(/sh: ended by SIGKILL/);
  });

  it('is none by SIGPIPE or 141, if another reads from it', async () => {
    expect((await pipeline(['yes'], ['head', '-1']).run()).stages[0]).toMatchObject({ signalCode: 'SIGPIPE' });
    expect((await pipeline(['sh', '-c', 'yes; exit $?'], ['head', '-1']).run()).stages[0]).toMatchObject({
      exitCode: 141,
    });
    await expect(pipeline(['sh', '-c', 'exit 141']).run()).rejects.toThrow(PipelineError);
    await expect(pipeline(['sh', '-c', 'kill -PIPE $$']).run()).rejects.toThrow(PipelineError);
  });

  it('is none with the codes that are allowed, or any way if all are', async () => {
    const grep = ['grep', 'x', '/dev/null'];
    await expect(pipeline(grep).run()).rejects.toThrow(/grep: exit code 1/);
    await expect(pipeline({ argv: grep, allowFail: [2] }).run()).rejects.toThrow(PipelineError);
    expect((await pipeline({ argv: grep, allowFail: [1] }).run()).stages[0]?.exitCode).toBe(1);
    expect((await pipeline({ argv: ['sh', '-c', 'kill -9 $$'], allowFail: true }).run()).stages[0]?.signalCode).toBe(
      'SIGKILL',
    );
  });

  it('never blocks on its stderr, and the end of it is kept', async () => {
    const { stages } = await pipeline(['sh', '-c', 'seq 300000 >&2; printf "é" >&2']).run();
    const kept = stages[0]?.stderr ?? '';
    expect(Buffer.byteLength(kept)).toBe(64 * 1024);
    expect(kept.endsWith('299999\n300000\né')).toBe(true);
  });
});

describe('a chain that cannot be started', () => {
  it('leaves nothing of the stages before', async () => {
    const { fds, children } = whatIsThere();
    const failed = pipeline(['yes'], ['sleep', '1000'], ['no-such-program']).run({ input: 'x' });
    await expect(failed).rejects.toThrow(SystemError);
    await expect(failed).rejects.toMatchObject({ code: 'ENOENT', path: 'no-such-program' });
    expect([fds(), children()]).toEqual([[], []]);
  });

  it.each<[string, unknown[], RegExp]>([
    ['no stage', [], /at least one program/],
    ['a string', ['ls'], /stage 1: argv: expected an array, not the string 'ls'/],
    ['a bad second stage', [['ls'], []], /stage 2: argv/],
    ['null', [null], /stage 1/],
    ['a name that is none', [{ argv: ['ls'], name: Symbol('ls') }], /stage 1: name: expected a string/],
    ['a bad allowFail', [{ argv: ['ls'], allowFail: 1 }], /stage 1: allowFail/],
  ])('is a TypeError at once: %s', (_name, stages, message) => {
    expect(() => pipeline(...(stages as [Stage]))).toThrow(TypeError);
    expect(() => pipeline(...(stages as [Stage]))).toThrow(message);
  });

  it.each([
    ['input', { input: 5 }],
    ['encoding', { encoding: 'no' }],
    ['maxOutput', { maxOutput: -1 }],
    ['grace', { grace: '1' }],
    ['timeout', { timeout: 'soon' }],
  ])('rejects a TypeError for a bad %s', async (name, options) => {
    await expect(pipeline(['cat']).run(options as object)).rejects.toThrow(TypeError);
    await expect(pipeline(['cat']).run(options as object)).rejects.toThrow(name);
  });
});

describe('options that are none', () => {
  const chain = pipeline(['cat']);
  const calls: [string, (options: never) => unknown][] = [
    ['run()', (options) => chain.run(options)],
    ['lines()', (options) => chain.lines(options)],
    ['bytes()', (options) => chain.bytes(options)],
    ['toWeb()', (options) => chain.toWeb(options)],
    ['toNode()', (options) => chain.toNode(options)],
    ['toString()', (options) => chain.toString(options)],
  ];

  it.each(calls)('are a TypeError of %s that says so', async (_name, call) => {
    const { children } = whatIsThere();
    for (const none of [null, 'x', 5, ['ls']]) {
      const failed = (async () => call(none as never))();
      await expect(failed).rejects.toThrow(TypeError);
      await expect(failed).rejects.toThrow(/options: expected an object, such as .*, not /);
    }
    expect(children()).toEqual([]);
  });

  it('are one for the lines that a function reads, too', async () => {
    const failed = pipeline(['echo'], (input) => input.lines(null as never)).run();
    await expect(failed).rejects.toThrow(/options: expected an object, .* not null/);
  });
});

describe('toString()', () => {
  it('quotes what a shell would take for its own', () => {
    const chain = pipeline(
      ['grep', '-i', "it's", 'a b', ''],
      ['if', 'A=1'],
      { argv: ['A=1'], cwd: '/a b', env: { SECRET: '1' }, stderr: { file: 'x y', append: true } },
      ['-v'],
    );
    expect(String(chain)).toBe(
      String.raw`grep -i 'it'\''s' 'a b' '' | 'if' A=1 | (cd '/a b' && 'A=1' 2>>'x y') | '-v'`,
    );
  });
});

describe('stderr of a stage', () => {
  it('goes to a file, or to an end', () =>
    inDirectory(async (path) => {
      const [rx, tx] = aiopipe();
      const script = ['sh', '-c', 'cat; echo words >&2'];
      const { stages } = await pipeline(
        { argv: script, stderr: { file: path('err') } },
        { argv: script, stderr: tx },
      ).run();
      expect(stages.map(({ stderr }) => stderr)).toEqual([undefined, undefined]);
      expect(readFileSync(path('err'), 'utf8')).toBe('words\n');
      await using reader = rx.open();
      expect(String(await reader.read())).toBe('words\n');
    }));
});
