import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { startProcess, Supervisor, type ChildExited, type ProcessHandle } from '@aiopipe/process';
import { fixture, leakCheck, PROGRAM_LIMIT, runFixture } from '@aiopipe/testing';
import { serve, type Answer } from '../fixtures/connects-siblings.js';
import { hangsUp, message, saysAndReturns, saysAndStays, frame } from '../fixtures/says-anything.js';
import { floodsConnects, saysOfSiblings, type Said } from '../fixtures/says-of-siblings.js';
import { throwTrap, throwTrapLater, traps } from '../fixtures/throws-traps.js';
import { errorOf } from '../helpers.js';

afterAll(leakCheck());

const error = new Uint8Array(1);

describe('any value that a child throws rejects its result, and join() settles:', () => {
  test.each(Object.keys(traps))('%s', async (name) => {
    for (const target of [throwTrap, throwTrapLater]) {
      const child = startProcess(target, { args: [name], stderr: 'ignore' });
      const failure = await errorOf(child.result);
      expect(failure).toMatchObject({ name: 'ChildError', code: 'ERR_AIOPIPE_CHILD', pid: child.pid });
      expect(failure.message.length).toBeLessThan(5000);
      // Node has codes of its own for what it can't print.
      expect((await child.join())?.exitCode).toBeGreaterThan(0);
    }
  });
});

/** Messages that no child of ours sends while its function runs. */
const wrong: Record<string, Buffer> = {
  null: message(null),
  'a number': message(1),
  'an array': message(['result', 1]),
  'an error': message(new Error('no')),
  'a message without a kind': message({ of: 1, value: 1 }),
  'a kind that is unknown': message({ kind: 'sorry', of: 1 }),
  'a kind that is no text': message({ kind: Object.create(null) as object, of: 1 }),
  'started, again': message({ kind: 'started', of: 1 }),
  'idle, which only a child of a prefork is': message({ kind: 'idle', of: 1 }),
  'no-start, after it was started': message({ kind: 'no-start', error }),
  'ready, to nobody': message({ kind: 'ready' }),
  'ready, as an answer to another order': message({ kind: 'ready', of: 7 }),
  'a pong that nobody asked for': message({ kind: 'pong', of: 0 }),
  'a result for another order': message({ kind: 'result', of: 7, value: 'forged' }),
  'a result without a value': message({ kind: 'result', of: 7 }),
  'an error that is none': message({ kind: 'error', of: 7, error: { message: 'no' } }),
  'a field too many': message({ kind: 'uncaught', of: 7, error, extra: 1 }),
  'an exception that is none': message({ kind: 'uncaught', of: 7, error: 'no' }),
  'a connect of another order': message({ kind: 'connect', of: 7, number: 0, to: 'it' }),
  'an accept of another order': message({ kind: 'accept', of: 7 }),
  'bytes that are no message': frame(Buffer.from('ffff', 'hex')),
  'an empty frame': frame(Buffer.alloc(0)),
  'a frame that is too long': Buffer.from('ffffffff', 'hex'),
};

describe('a child that says what it may not say is killed, and its result rejects:', () => {
  test.each(Object.keys(wrong))('%s', async (name) => {
    for (const target of [saysAndStays, saysAndReturns]) {
      const child: ProcessHandle = startProcess(target, { args: [wrong[name] as Buffer], stderr: 'ignore' });
      const other = startProcess(saysAndReturns, { args: [Buffer.alloc(0)] });
      const ping = child.ping();
      const failure = await errorOf(child.result);
      expect(failure).toMatchObject({ name: 'ChildError', code: 'ERR_AIOPIPE_PROTOCOL', pid: child.pid });
      expect(failure.message).toMatch(
        /^process says\w+ \(pid \d+\) broke the protocol \(.+\), and was killed; does other code in it write to its descriptor 3\?$/,
      );
      // One that returns may have ended by itself before it was killed.
      if (target === saysAndStays) expect(await child.join()).toEqual({ exitCode: null, signalCode: 'SIGKILL' });
      // It answered in time, or never.
      await ping.catch((reason: unknown) => {
        expect(reason).toBe(failure);
      });
      expect(await other.result).toBe('its result');
    }
  });
});

describe('a child that says about siblings what it may not say is killed:', () => {
  const connect = { kind: 'connect', number: 0, to: 'it' };
  test.each(
    Object.entries<Said[]>({
      'a connect with the number of another one': [{ ...connect, number: 1 }],
      'the number of a connect again': [connect, connect],
      'a connect to no name': [{ kind: 'connect', number: 0 }],
      'a connect with a key that is none': [{ ...connect, key: { toString: 1 } }],
      'a connect with a field too many': [{ ...connect, extra: 1 }],
      'a withdraw without a connect': [{ kind: 'withdraw', number: 0 }],
      'a withdraw of a connect to come': [connect, { kind: 'withdraw', number: 1 }],
      'a withdraw of what is no number': [connect, { kind: 'withdraw', number: '0' }],
      'a second accept while the first one waits': [{ kind: 'accept' }, { kind: 'accept' }],
      'that it took what it was not sent': [{ kind: 'accept' }, { kind: 'took' }],
      'that it declines what it did not ask for': [{ kind: 'declined' }],
      'more connects than may wait': Array.from({ length: 101 }, (_, number) => ({ ...connect, number })),
    }),
  )('%s', async (_, said) => {
    await using supervisor = new Supervisor([
      { id: 'it', target: saysOfSiblings, args: [said], restart: 'temporary', options: { stderr: 'ignore' } },
      { id: 'other', target: serve },
    ]);
    const exited = new Promise<ChildExited>((resolve) => supervisor.once('exited', resolve));
    await supervisor.start();
    expect(await exited).toMatchObject({ id: 'it', signalCode: 'SIGKILL', error: { code: 'ERR_AIOPIPE_PROTOCOL' } });
    using answers = await supervisor.connect<string, Answer>('other');
    await answers.put('a question');
    expect(await answers.get()).toMatchObject({ question: 'a question' });
  });
});

test('a child that asks for siblings without end, and reads no answer, does not hold up the others', async () => {
  await using supervisor = new Supervisor([
    { id: 'floods', target: floodsConnects, restart: 'temporary', options: { stderr: 'ignore' } },
    { id: 'other', target: serve },
  ]);
  await supervisor.start();
  using answers = await supervisor.connect<number, Answer>('other');
  // It fills its channel meanwhile. Each question takes turns of the event loop, and descriptors, as timers do.
  for (let i = 0; i < 100; i++) {
    await answers.put(i);
    await answers.get();
    (await supervisor.connect('other'))[Symbol.dispose]();
  }
  expect(supervisor.whichChildren()[0]?.state).toBe('running');
});

test('a child that closes its channel and goes on is killed after a while', async () => {
  const child = startProcess(hangsUp);
  expect(await errorOf(child.result)).toMatchObject({ code: 'ERR_AIOPIPE_NO_RESULT', signalCode: 'SIGKILL' });
});

test('a message that would take all memory is refused, and its child is killed', async () => {
  const { stdout, code } = await runFixture('hears-of-too-much', {
    execArgv: ['--max-old-space-size=1000'],
  });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    code: 'ERR_AIOPIPE_PROTOCOL',
    cause: 'DecodeError',
    exitCode: null,
    signalCode: 'SIGKILL',
  });
});

describe('if no more descriptors may be on their way', () => {
  // The limit does not hold for root. The kernel counts the descriptors of all processes of a user together, so each run
  // has a user of its own. That user must be able to read the fixture.
  const newUser = () => {
    const id = 0x10000000 + Math.floor(Math.random() * 0x60000000);
    return { uid: id, gid: id };
  };
  const run = async (name: string) =>
    promisify(execFile)(process.execPath, [fixture(name)], { ...newUser(), timeout: PROGRAM_LIMIT });
  const canTry =
    process.getuid?.() === 0 &&
    spawnSync('prlimit', ['--version']).status === 0 &&
    spawnSync(process.execPath, ['-e', `fs.accessSync(${JSON.stringify(fixture('starts-with-many-ends'))})`], newUser())
      .status === 0;

  test.runIf(canTry)(
    'a start that could not send its arguments rejects with that, and its child is ended',
    async () => {
      const { results, left, running } = JSON.parse((await run('starts-with-many-ends')).stdout) as Record<
        string,
        unknown[]
      >;
      expect(new Set(results)).toEqual(new Set([30, 'ERR_AIOPIPE_START ETOOMANYREFS']));
      expect({ left, running }).toEqual({ left: [], running: [] });
    },
  );

  test.runIf(canTry)('a pool loses one task whose ends could not be sent, and starts workers again later', async () => {
    const { results, later, left, running } = JSON.parse((await run('runs-tasks-with-many-ends')).stdout) as {
      results: string[];
      [key: string]: unknown;
    };
    expect(results.sort()).toEqual(['24', '24', '24', '24', '24', 'ETOOMANYREFS']);
    expect({ later, left, running }).toEqual({ later: '24', left: [], running: [] });
  });

  test.runIf(canTry)(
    'a child that could not send its result says why on its stderr, and its exit code says so',
    async () => {
      const { stdout, stderr } = await run('cannot-send-its-result');
      expect(JSON.parse(stdout)).toEqual({
        code: 'ERR_AIOPIPE_NO_RESULT',
        message: expect.stringMatching(/with exit code 74: the child could not send a message to its parent/) as string,
        exitCode: 74,
        signalCode: null,
      });
      expect(stderr).toMatch(/^aiopipe: process returnOneMore could not send "result" to its parent: .*ETOOMANYREFS/);
    },
  );
});
