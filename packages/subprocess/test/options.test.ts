import { aiopipe } from '@aiopipe/core';
import { AsyncPipe, pipeline, popen, type Program, type StageInput } from '@aiopipe/subprocess';
import { errorOf, leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';

afterAll(leakCheck());

/** A program that waits for its input, and what talks to it. */
async function withPipe<T>(use: (pipe: AsyncPipe, program: Program) => T): Promise<Awaited<T>> {
  const program = popen(['cat'], { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
  await using pipe = new AsyncPipe(program);
  return await use(pipe, program);
}

const chain = () => pipeline(['true']);

/** A function of a chain that reads lines with these options. */
async function linesWith(options: object): Promise<unknown> {
  const reads = async (input: StageInput) => {
    for await (const _line of input.lines(options)) throw new Error('a line came');
  };
  const failure = await errorOf(pipeline(['echo', 'x'], reads).run());
  throw failure.cause;
}

describe('A misspelt option is a TypeError that names what was meant, and nothing has started', () => {
  test.each<[call: string, options: object, message: string, run: (options: never) => unknown]>([
    ['popen', { CWD: '/' }, 'CWD: unknown option; did you mean cwd?', (o) => popen(['true'], o)],
    ['popen', { stdErr: 'pipe' }, 'stdErr: unknown option; did you mean stderr?', (o) => popen(['true'], o)],
    [
      'popen: terminal',
      { terminal: { colums: 80, rows: 24 } },
      'terminal.colums: unknown option; did you mean columns?',
      (o) => popen(['true'], o),
    ],
    [
      'popen: stdin',
      { stdin: { fiel: 'a', file: 'b' } },
      'stdin.fiel: unknown option; did you mean file?',
      (o) => popen(['true'], o),
    ],
    [
      'popen: stdout',
      { stdout: { file: 'a', apend: true } },
      'stdout.apend: unknown option; did you mean append?',
      (o) => popen(['true'], o),
    ],
    ['wait', { timeOut: 1 }, 'timeOut: unknown option; did you mean timeout?', (o) => withPipe((_, p) => p.wait(o))],
    ['stop', { grase: 1 }, 'grase: unknown option; did you mean grace?', (o) => withPipe((_, p) => p.stop(o))],
    [
      'a stage',
      { cmd: 1 },
      'stage 1: cmd: unknown option; did you mean cwd?',
      (o: object) => pipeline({ argv: ['true'], ...o }),
    ],
    [
      'a stage',
      { allow_fail: true },
      'stage 1: allow_fail: unknown option; did you mean allowFail?',
      (o: object) => pipeline({ argv: ['true'], ...o }),
    ],
    ['run', { timeOut: 1 }, 'timeOut: unknown option; did you mean timeout?', (o) => chain().run(o)],
    ['run', { maxOutpt: 1 }, 'maxOutpt: unknown option; did you mean maxOutput?', (o) => chain().run(o)],
    ['lines', { encodng: 'utf8' }, 'encodng: unknown option; did you mean encoding?', (o) => chain().lines(o)],
    ['lines', { seperator: '\n' }, 'seperator: unknown option; did you mean separator?', (o) => chain().lines(o)],
    ['bytes', { inptu: '' }, 'inptu: unknown option; did you mean input?', (o) => chain().bytes(o)],
    ['toWeb', { Grace: 1 }, 'Grace: unknown option; did you mean grace?', (o) => chain().toWeb(o)],
    ['toNode', { onprogress: 1 }, 'onprogress: unknown option; did you mean onProgress?', (o) => chain().toNode(o)],
    ['toString', { outpt: 'ignore' }, 'outpt: unknown option; did you mean output?', (o) => chain().toString(o)],
    ['input.lines', { separater: '\n' }, 'separater: unknown option; did you mean separator?', linesWith],
    ['write', { ful: true }, 'ful: unknown option; did you mean full?', (o) => withPipe((p) => p.write('x', o))],
    ['read', { timout: 1 }, 'timout: unknown option; did you mean timeout?', (o) => withPipe((p) => p.read(1, o))],
    [
      'readLine',
      { sizeHnt: 1 },
      'sizeHnt: unknown option; did you mean sizeHint?',
      (o) => withPipe((p) => p.readLine(0, o)),
    ],
    [
      'readStderr',
      { sgnal: 1 },
      'sgnal: unknown option; did you mean signal?',
      (o) => withPipe((p) => p.readStderr(1, o)),
    ],
    [
      'readLineStderr',
      { tmeout: 1 },
      'tmeout: unknown option; did you mean timeout?',
      (o) => withPipe((p) => p.readLineStderr(0, o)),
    ],
    [
      'communicate',
      { Timeout: 1 },
      'Timeout: unknown option; did you mean timeout?',
      (o) => withPipe((p) => p.communicate('x', o)),
    ],
  ])('%s %o', async (_call, options, message, run) => {
    const error = await errorOf((async () => await run(options as never))());
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe(message);
  });

  test('ends that were given with one stay here', () => {
    const [rx, tx] = aiopipe();
    expect(() => popen(['true'], { stdin: rx, stdot: tx } as object)).toThrow('did you mean stdout?');
    expect([rx.state, tx.state]).toEqual(['owned', 'owned']);
    rx.close();
    tx.close();
  });
});

describe('The error of a wait that was given up', () => {
  async function theCaller(wait: (options: object) => Promise<unknown>, options: object): Promise<unknown> {
    return await wait(options);
  }

  test.each<[call: string, wait: (pipe: AsyncPipe, program: Program) => (options: object) => Promise<unknown>]>([
    ['wait()', (_, program) => (options) => program.wait(options)],
    ['communicate()', (pipe) => (options) => pipe.communicate(undefined, options)],
    ['read()', (pipe) => (options) => pipe.read(1, options)],
    ['readLine()', (pipe) => (options) => pipe.readLine(0, options)],
    ['readStderr()', (pipe) => (options) => pipe.readStderr(1, options)],
    ['readLineStderr()', (pipe) => (options) => pipe.readLineStderr(0, options)],
  ])('of %s has the line that waits, and names the program', async (_call, make) => {
    await withPipe(async (pipe, program) => {
      // It would end at the end of its input.
      program.kill('SIGSTOP');
      const wait = make(pipe, program);
      for (const options of [{ signal: AbortSignal.timeout(1) }, { timeout: 1 }]) {
        const error = await errorOf(theCaller(wait, options));
        expect(error.message).toMatch(/cat/);
        expect(error.stack).toContain('theCaller');
      }
    });
  });

  test('of stop() has the line that waits, and names the program', async () => {
    const deaf = popen(['sh', '-c', 'trap "" TERM; echo deaf; read line'], { stdin: 'pipe', stdout: 'pipe' });
    await using reader = deaf.stdout.open();
    expect(String(await reader.readLine())).toBe('deaf\n');
    const error = await errorOf(theCaller((options) => deaf.stop(options), { signal: AbortSignal.timeout(1) }));
    expect(error.message).toMatch(/sh/);
    expect(error.stack).toContain('theCaller');
    deaf.stdin.close();
    await deaf.wait();
  });
});

describe('An option that another call or another library has is a TypeError that says what to write', () => {
  test.each<[call: string, name: string, advice: string, run: (options: never) => unknown]>([
    ['popen', 'shell', "start a shell as a program: ['sh', '-c', script]", (o) => popen(['true'], o)],
    ['popen', 'stdio', 'write stdin, stdout and stderr', (o) => popen(['true'], o)],
    ['popen', 'timeout', 'a chain has it: pipeline(argv).run({ timeout })', (o) => popen(['true'], o)],
    ['run', 'cwd', 'a stage has it: pipeline({ argv, cwd })', (o) => chain().run(o)],
    ['run', 'stdout', 'write output; without it, run() resolves with stdout', (o) => chain().run(o)],
    ['run', 'maxBuffer', 'write maxOutput', (o) => chain().run(o)],
    ['run', 'uid', 'a stage has it: pipeline({ argv, limits: { uid } })', (o) => chain().run(o)],
    ['run', 'inputFile', 'write input: { file }', (o) => chain().run(o)],
    ['lines', 'maxOutput', 'run() has it', (o) => chain().lines(o).next()],
    ['run', 'killSignal', 'the programs get SIGTERM, and after grace SIGKILL', (o) => chain().run(o)],
    ['lines', 'reject', 'a stage has allowFail: pipeline({ argv, allowFail: true })', (o) => chain().lines(o).next()],
    ['a stage', 'stdin', 'write run({ input })', (o: object) => pipeline({ argv: ['true'], ...o })],
    ['a stage', 'nothrow', 'write allowFail: true', (o: object) => pipeline({ argv: ['true'], ...o })],
  ])('%s: %s', async (_call, name, advice, run) => {
    const error = await errorOf((async () => run({ [name]: 1 } as never))());
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message.replace('stage 1: ', '')).toBe(`${name}: unknown option; ${advice}`);
  });
});
