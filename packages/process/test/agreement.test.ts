// All layers give the same answer to the same wrong value: the same class, code and words.
import { channel, FrameDecoder, FrameEncoder, merge, type Channel } from '@aiopipe/codec';
import { aioduplex, aiopipe, AsyncFile } from '@aiopipe/core';
import { spawn } from '@aiopipe/core/internal';
import { Pool, Prefork, startProcess, Supervisor, type ProcessHandle } from '@aiopipe/process';
import { AsyncPipe, pipeline, popen, type Program } from '@aiopipe/subprocess';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waits } from './fixtures/ends-somehow.js';
import { errorOf, thrownBy } from './helpers.js';

const check = leakCheck();

type Call = (options: never) => unknown;

/** What a call answers, without the names of what stands around its options. */
async function answerOf(run: () => unknown): Promise<string> {
  const error = await errorOf((async () => await run())());
  const message = error.message.replace(/^(stage \d: |options\.(?=\w)|child "it"\.options\.)/, '');
  return `${error.constructor.name} ${error.code ?? ''}: ${message}`;
}

const closers: (() => unknown)[] = [];
let child: ProcessHandle;
let program: Program;
/** Calls that wait, and take a signal and a timeout. */
let waiting: Record<string, Call>;

beforeAll(() => {
  child = startProcess(waits);
  program = popen(['sleep', '1000'], { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
  const pipe = new AsyncPipe(program);
  const pool = new Pool(waits, { size: { max: 1 } });
  const prefork = new Prefork();
  const [rx, tx] = aiopipe();
  const [reader, writer] = [rx.open(), tx.open()];
  const [fileRx, fileTx] = aiopipe();
  const file = new AsyncFile(fileRx);
  const fileWriter = new AsyncFile(fileTx);
  const pair = channel({ duplex: true });
  const [one] = pair;
  closers.push(
    () => child.stop(),
    () => pipe[Symbol.asyncDispose](),
    () => pool.close(),
    () => prefork.close(),
    () => reader.close(),
    () => writer.close(),
    () => file.close(),
    () => fileWriter.close(),
    () => pair[Symbol.dispose](),
  );
  waiting = {
    'reader.read': (options) => reader.read(1, options),
    'reader.readInto': (options) => reader.readInto(Buffer.alloc(1), options),
    'reader.readExactly': (options) => reader.readExactly(1, options),
    'reader.readUntil': (options) => reader.readUntil('x', options),
    'writer.write': (options) => writer.write('', options),
    'writer.drain': (options) => writer.drain(options),
    'writer.close': (options) => writer.close(options),
    'AsyncFile.from': (options) => AsyncFile.from(-1, options),
    'channel.get': (options) => one.get(options),
    'channel.put': (options) => one.put(1, options),
    'channel.drain': (options) => one.drain(options),
    'child.join': (options) => child.join(options),
    'child.ping': (options) => child.ping(options),
    'pool.drain': (options) => pool.drain(options),
    'prefork.ready': (options) => prefork.ready(options),
    'program.wait': (options) => program.wait(options),
    'pipe.communicate': (options) => pipe.communicate(undefined, options),
  };
});

afterAll(async () => {
  for (const close of closers) await close();
  await check();
});

/** The same answer from all of these. */
async function expectAnswer(calls: Record<string, () => unknown>, answer: string): Promise<void> {
  for (const [name, run] of Object.entries(calls)) {
    expect(`${name}: ${await answerOf(run)}`).toBe(`${name}: ${answer}`);
  }
}

function given(calls: Record<string, Call>, options: unknown): Record<string, () => unknown> {
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, () => call(options as never)]));
}

describe('calls that wait answer alike to', () => {
  test.each<[value: unknown, shown: string]>([
    [NaN, 'NaN'],
    [-1, '-1'],
    [-Infinity, '-Infinity'],
    ['100', "'100'"],
    ['', "''"],
    [null, 'null'],
    [10n, '10n'],
    [true, 'true'],
    [{}, '{}'],
    [[], '[]'],
    [() => 5, '[Function (anonymous)]'],
    [Symbol('x'), 'Symbol(x)'],
  ])('a timeout of %o', async (timeout, shown) => {
    const answer = `TypeError : timeout: expected milliseconds, 0 or more, not ${shown}`;
    const sameOption: Record<string, Call> = {
      ...waiting,
      'pipeline.run': ({ timeout: ms }) => pipeline(['true']).run({ timeout: ms }),
      'pipeline.lines': ({ timeout: ms }) => pipeline(['true']).lines({ timeout: ms }).next(),
      'pool.with': ({ timeout: ms }) => withPool((pool) => pool.with({ timeout: ms })),
    };
    await expectAnswer(given(sameOption, { timeout }), answer);
  });

  test.each<[value: unknown, shown: string]>([
    [null, 'null'],
    [5, '5'],
    ['abort', "'abort'"],
    [{}, '{}'],
    [{ aborted: true }, '{ aborted: true }'],
  ])('a signal that is %o', async (signal, shown) => {
    const calls: Record<string, Call> = {
      ...waiting,
      'child.stop': (options) => child.stop(options),
      'program.stop': (options) => program.stop(options),
      'pipeline.run': (options) => pipeline(['true']).run(options),
      'pool.with': (options) => withPool((pool) => pool.with(options)),
      merge: (options) => withChannel((one) => merge([one], options)),
      'supervisor.events': (options) => new Supervisor([]).events(options),
    };
    await expectAnswer(given(calls, { signal }), `TypeError : signal: expected an AbortSignal, not ${shown}`);
  });

  test('an AbortController in place of its signal', async () => {
    const signal = new AbortController();
    const message = 'TypeError : signal: expected an AbortSignal, not AbortController {}; pass its `signal`';
    await expectAnswer(given(waiting, { signal }), message);
  });

  test('a misspelt name', async () => {
    await expectAnswer(given(waiting, { timout: 1 }), 'TypeError : timout: unknown option; did you mean timeout?');
    await expectAnswer(given(waiting, { Signal: 1 }), 'TypeError : Signal: unknown option; did you mean signal?');
  });

  test.each<[options: unknown, shown: string]>([
    [null, 'null'],
    [100, '100'],
    ['timeout', "'timeout'"],
    [['timeout'], "[ 'timeout' ]"],
    [() => 5, '[Function (anonymous)]'],
  ])('options that are %o', async (options, shown) => {
    const answer = `TypeError : options: expected an object, such as { signal, timeout }, not ${shown}`;
    await expectAnswer(given(waiting, options), answer);
  });
});

async function withPool<T>(use: (pool: Pool<[], unknown>) => T): Promise<Awaited<T>> {
  await using pool = new Pool(waits, { size: { max: 1 } });
  return await use(pool as unknown as Pool<[], unknown>);
}

async function withChannel<T>(use: (one: Channel) => T): Promise<Awaited<T>> {
  using pair = channel({ duplex: true });
  return await use(pair[0]);
}

/** Calls that start something, or say how it will be started. */
const starting: Record<string, Call> = {
  startProcess: (options) => startProcess(waits, options),
  Pool: (options) => new Pool(waits, { options }),
  Supervisor: (options) => new Supervisor([{ id: 'it', target: waits, options }]),
  Prefork: (options) => new Prefork(options),
  popen: (options) => popen(['true'], options),
  pipeline: (options: object) => pipeline({ argv: ['true'], ...options }),
  'spawn of core': (options: object) => spawn({ file: 'true', argv: ['true'], fds: new Map(), ...options }),
};

function pick(...names: string[]): Record<string, Call> {
  return Object.fromEntries(names.map((name) => [name, starting[name] as Call]));
}

describe('calls that start something answer alike to', () => {
  test.each<[env: unknown, answer: string]>([
    [new Map([['A', 'b']]), "env: expected an object of names and values, not Map(1) { 'A' => 'b' }"],
    [['A=b'], "env: expected an object of names and values, not [ 'A=b' ]"],
    [null, 'env: expected an object of names and values, not null'],
    ['A=b', "env: expected an object of names and values, not 'A=b'"],
    [{ A: 1 }, 'env.A: expected a string, not 1'],
    [{ A: null }, 'env.A: expected a string, not null'],
    [Object.create({ A: true }), 'env.A: expected a string, not true'],
    [{ 'A=B': 'c' }, "env: 'A=B' cannot be the name of a variable"],
    [{ '': 'c' }, "env: '' cannot be the name of a variable"],
    [{ 'A\0': 'c' }, "env: 'A\\x00' cannot be the name of a variable"],
    [{ A: 'b\0c' }, "env.A: 'b\\x00c' contains a NUL character, which is not allowed"],
  ])('env: %o', async (env, answer) => {
    await expectAnswer(given(starting, { env }), `TypeError : ${answer}`);
  });

  test.each<[cwd: unknown, answer: string]>([
    ['', "cwd: expected the path of a directory, not ''"],
    [5, 'cwd: expected the path of a directory, not 5'],
    [null, 'cwd: expected the path of a directory, not null'],
    ['/tmp\0', "cwd: '/tmp\\x00' contains a NUL character, which is not allowed"],
  ])('cwd: %o', async (cwd, answer) => {
    await expectAnswer(given(starting, { cwd }), `TypeError : ${answer}`);
  });

  test.each<[name: unknown, answer: string]>([
    ['', 'name: expected a name, not an empty string'],
    [5, 'name: expected a string, not 5'],
    [null, 'name: expected a string, not null'],
    ['a\0b', "name: 'a\\x00b' contains a NUL character, which is not allowed"],
  ])('name: %o', async (name, answer) => {
    await expectAnswer(
      given(pick('startProcess', 'Pool', 'Supervisor', 'pipeline'), { name }),
      `TypeError : ${answer}`,
    );
  });

  test.each<[texts: unknown, answer: string]>([
    [{}, ': expected an array of strings, not {}'],
    [null, ': expected an array of strings, not null'],
    [['a', 5], '[1]: expected a string, not 5'],
    // oxlint-disable-next-line no-sparse-arrays -- that is the wrong value
    [['a', , 'b'], '[1]: expected a string, not undefined'],
    [['a', 'b\0'], "[1]: 'b\\x00' contains a NUL character, which is not allowed"],
  ])('argv and execArgv: %o', async (texts, answer) => {
    await expectAnswer(
      given(pick('startProcess', 'Pool', 'Supervisor', 'Prefork'), { execArgv: texts }),
      `TypeError : execArgv${answer}`,
    );
    const argv: Record<string, Call> = {
      popen: () => popen(texts as string[]),
      pipeline: () => pipeline({ argv: texts as string[] }),
      'spawn of core': () => spawn({ file: 'true', argv: texts as string[], fds: new Map() }),
    };
    // What has no argv is no stage at all.
    if (texts === null) delete argv['pipeline'];
    await expectAnswer(given(argv, undefined), `TypeError : argv${answer}`);
  });

  test('stdin, stdout and stderr', async () => {
    const [rx, tx] = aiopipe();
    const [open, closed] = aiopipe();
    using reader = open.open();
    closed.close();
    const wrong: [option: object, answer: RegExp][] = [
      [
        { stdin: 'pip' },
        /^TypeError : stdin: expected 'pipe', 'inherit', 'ignore', a pipe end, a FileHandle or \{ file: path \}, not 'pip'$/,
      ],
      [
        { stdout: 'log.txt' },
        /^TypeError : stdout: expected .*, not 'log\.txt'; for a file, write \{ file: 'log\.txt' \}$/,
      ],
      [{ stdin: null }, /^TypeError : stdin: .*, not null$/],
      [{ stdin: 0 }, /^TypeError : stdin: .*, not 0; to pass a descriptor, call ReadEnd.fromFd\(\)/],
      [{ stdin: process.stdin }, /^TypeError : stdin: .*; process.stdin is 'inherit'$/],
      [
        { stdin: tx },
        /^TypeError : stdin: the child reads from this descriptor, so it needs a ReadEnd, not a WriteEnd$/,
      ],
      [{ stdin: open }, /^BusyError ERR_AIOPIPE_BUSY: read end made at .* open already/],
      [{ stdin: reader }, /^TypeError : stdin: .*; this stream is open already/],
      [{ stdin: { file: '' } }, /^TypeError : stdin: expected the path of a file, not ''$/],
      [{ stdin: { file: 'a\0' } }, /^TypeError : stdin.file: 'a\\x00' contains a NUL character, which is not allowed$/],
      [{ stdin: { file: 'a', append: true } }, /^TypeError : stdin.append: unknown option/],
      [{ stdout: 'stdout' }, /^TypeError : stdout: expected .*, not 'stdout'$/],
      [
        { stdout: rx },
        /^TypeError : stdout: the child writes to this descriptor, so it needs a WriteEnd, not a ReadEnd$/,
      ],
      [{ stdout: closed }, /^ClosedError ERR_AIOPIPE_CLOSED: write end made at .* is closed$/],
      [{ stdout: { file: 'a', append: 1 } }, /^TypeError : stdout.append: expected true or false, not 1$/],
      [
        { stderr: 'out' },
        /^TypeError : stderr: expected 'pipe', 'inherit', 'ignore', 'stdout', a pipe end, .*, not 'out'$/,
      ],
      [{ stderr: process.stderr }, /^TypeError : stderr: .*; process.stderr is 'inherit'$/],
    ];
    for (const [option, answer] of wrong) {
      const [name] = Object.keys(option) as [string];
      const answers = new Set<string>();
      for (const call of Object.values(pick('startProcess', 'Supervisor', 'popen'))) {
        answers.add(await answerOf(() => call(option as never)));
      }
      expect([name, ...answers]).toEqual([name, expect.stringMatching(answer)]);
    }
    expect([rx.state, tx.state]).toEqual(['owned', 'owned']);
    rx.close();
    tx.close();
  });

  test('a misspelt name', async () => {
    await expectAnswer(
      given(pick('startProcess', 'Pool', 'Supervisor', 'Prefork', 'popen', 'pipeline'), { Cwd: '/' }),
      'TypeError : Cwd: unknown option; did you mean cwd?',
    );
  });
});

describe('calls that end something answer alike to', () => {
  test.each<[signal: unknown, shown: string]>([
    ['SIGNOTHING', "'SIGNOTHING'"],
    ['TERM', "'TERM'"],
    ['sigterm', "'sigterm'"],
    ['', "''"],
    [1.5, '1.5'],
    [-1, '-1'],
    [65, '65'],
    [NaN, 'NaN'],
    [null, 'null'],
    [{}, '{}'],
  ])('a signal %o', async (signal, shown) => {
    const calls = {
      'child.kill': () => child.kill(signal as never),
      'program.kill': () => program.kill(signal as never),
      'program.killGroup': () => program.killGroup(signal as never),
    };
    const answer = `TypeError : signal: ${shown} does not exist; expected a name such as 'SIGTERM', or a number from 0 to 64`;
    await expectAnswer(calls, answer);
  });

  test('a grace period', async () => {
    const calls: Record<string, Call> = {
      'child.stop': (options) => child.stop(options),
      'program.stop': (options) => program.stop(options),
      'pipeline.run': (options) => pipeline(['true']).run(options),
    };
    for (const [grace, shown] of [
      [NaN, 'NaN'],
      [-1, '-1'],
      ['5', "'5'"],
      [null, 'null'],
      [10n, '10n'],
    ] as const) {
      const answer = `TypeError : grace: expected milliseconds, 0 or more, not ${shown}`;
      await expectAnswer(given(calls, { grace }), answer);
    }
    await expectAnswer(
      given({ 'child.stop': calls['child.stop'] as Call, 'program.stop': calls['program.stop'] as Call }, { grce: 1 }),
      'TypeError : grce: unknown option; did you mean grace?',
    );
  });

  test('a child and a program that run: true; signal 0 asks only', () => {
    expect([child.kill(0), program.kill(0), child.kill('SIGCONT'), program.kill('SIGCONT')]).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(thrownBy(() => child.close())).toMatchObject({ code: 'ERR_AIOPIPE_BUSY' });
  });
});

test('a timeout longer than a timer can hold waits, in every call', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => void warnings.push(warning);
  process.on('warning', note);
  const [one, other] = aioduplex();
  for (const timeout of [2 ** 31, 2 ** 40, Number.MAX_VALUE, Infinity]) {
    const signal = AbortSignal.timeout(20);
    for (const name of ['reader.read', 'channel.get', 'child.join', 'program.wait']) {
      const error = await errorOf((async () => await waiting[name]?.({ timeout, signal } as never))());
      expect(error.code).toBe('ABORT_ERR');
    }
  }
  const exit = await pipeline(['sleep', '0.02']).run({ timeout: 2 ** 40, grace: 2 ** 40 });
  expect(exit.stages[0]?.exitCode).toBe(0);
  process.off('warning', note);
  expect(warnings).toEqual([]);
  one.close();
  other.close();
});

type Given = (value: never) => unknown;

describe('options that are', () => {
  const flags: [name: string, run: Given][] = [
    ['full', (full) => withFile((file) => file.read(1, { full }))],
    ['full', (full) => withFile((file) => file.write('x', { full }))],
    ['duplex', (duplex) => channel({ duplex })],
    ['ordered', (ordered) => withPool((pool) => pool.map([], { ordered }).next())],
    ['daemon', (daemon) => startProcess(waits, { daemon })],
    ['detached', (detached) => startProcess(waits, { detached })],
    ['significant', (significant) => new Supervisor([{ id: 'it', target: waits, restart: 'temporary', significant }])],
    ['stdout.append', (append) => popen(['true'], { stdout: { file: '/dev/null', append } })],
  ];

  test.each<[value: unknown, shown: string]>([
    [1, '1'],
    [0, '0'],
    ['true', "'true'"],
    [null, 'null'],
    [{}, '{}'],
  ])('true or false: %o', async (value, shown) => {
    for (const [name, run] of flags) {
      const answer = (await answerOf(() => run(value as never))).replace('child "it".', '');
      expect(answer).toBe(`TypeError : ${name}: expected true or false, not ${shown}`);
    }
  });

  const counts: [name: string, range: string, run: Given][] = [
    ['capacity', ' of bytes, from 1 to 2147483647', (capacity) => aiopipe({ capacity })],
    ['bufferSize', ' of bytes, from 1 to 2147483647', (bufferSize) => aioduplex({ bufferSize })],
    ['maxLineLength', ' of bytes, 1 or more', (maxLineLength) => withEnds((rx) => rx.open({ maxLineLength }))],
    ['maxLineLength', ' of bytes, 1 or more', (maxLineLength) => pipeline(['true']).lines({ maxLineLength }).next()],
    ['highWaterMark', ' of bytes, 0 or more', (highWaterMark) => withEnds((_, tx) => tx.open({ highWaterMark }))],
    ['maxFrameLength', ' of bytes, from 1 to 4294967295', (maxFrameLength) => channel({ maxFrameLength })],
    ['maxFrameLength', ' of bytes, from 1 to 4294967295', (maxFrameLength) => new FrameEncoder({ maxFrameLength })],
    ['maxFrameLength', ' of bytes, from 1 to 4294967295', (maxFrameLength) => new FrameDecoder({ maxFrameLength })],
    ['queueLimit', ' of bytes, 1 or more', (queueLimit) => channel({ queueLimit })],
    ['queueLimit', ' of tasks, 1 or more', (queueLimit) => new Pool(waits, { queueLimit })],
    ['spin', ' of microseconds, from 0 to 10000', (spin) => channel({ spin })],
    ['spin', ' of microseconds, from 0 to 10000', (spin) => new Pool(waits, { spin })],
    ['size', ' of workers, from 1 to 1024', (size) => new Pool(waits, { size })],
    ['size', ' of children, from 1 to 1024', (size) => new Prefork({ size })],
    ['size.min', ' of workers, from 0 to 1024', (min) => new Pool(waits, { size: { min, max: 2 } })],
    ['size.max', ' of workers, from 2 to 1024', (max) => new Pool(waits, { size: { min: 2, max } })],
    ['retries', ', 0 or more', (retries) => new Pool(waits, { retries })],
    ['retries', ', 0 or more', (retries) => withPool((pool) => pool.with({ retries }))],
    ['maxTasks', ', 1 or more', (maxTasks) => new Pool(waits, { maxTasks })],
    ['maxRss', ' of bytes, 1 or more', (maxRss) => new Pool(waits, { maxRss })],
    ['concurrency', ' of tasks, 1 or more', (concurrency) => withPool((pool) => pool.map([], { concurrency }).next())],
    ['intensity', ', 0 or more', (intensity) => new Pool(waits, { intensity })],
    ['intensity', ', 0 or more', (intensity) => new Supervisor([], { intensity })],
    ['maxOutput', ' of bytes, 0 or more', (maxOutput) => pipeline(['true']).run({ maxOutput })],
  ];

  test.each<[value: unknown, shown: string]>([
    [-1, '-1'],
    [1.5, '1.5'],
    [NaN, 'NaN'],
    ['2', "'2'"],
    [null, 'null'],
    [2n, '2n'],
  ])('whole numbers: %o', async (value, shown) => {
    for (const [name, range, run] of counts) {
      const answer = `TypeError : ${name}: expected a whole number${range}, not ${shown}`;
      expect(await answerOf(() => run(value as never))).toBe(answer);
    }
  });
});

async function withFile<T>(use: (file: AsyncFile) => T): Promise<Awaited<T>> {
  const [a, b] = aioduplex();
  using _b = b;
  await using file = new AsyncFile(a);
  return await use(file);
}

function withEnds<T>(use: (...ends: ReturnType<typeof aiopipe>) => T): T {
  const [rx, tx] = aiopipe();
  using _rx = rx;
  using _tx = tx;
  return use(rx, tx);
}
