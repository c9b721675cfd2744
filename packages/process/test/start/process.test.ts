import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { channel, QueueFullError } from '@aiopipe/codec';
import { aioduplex, aiopipe, BusyError, ClosedError, MovedError, type ReadEnd } from '@aiopipe/core';
import { ChildError, isChild, ProcessHandle, startProcess, target } from '@aiopipe/process';
import { childPids, fdsSince, fixture, isRunning, leakCheck, openFds, until } from '@aiopipe/testing';
import * as echoes from '../fixtures/echoes.js';
import {
  exits,
  handlesSigterm,
  ignoresSigterm,
  killsItself,
  leavesTimers,
  runsDry,
  waits,
} from '../fixtures/ends-somehow.js';
import { descend } from '../fixtures/goes-deeper.js';
import { Point, shift } from '../fixtures/shifts-points.js';
import * as uses from '../fixtures/uses-handles.js';
import { childrenSince, commandOf, errorOf, thrownBy } from '../helpers.js';

afterAll(leakCheck());

const moduleOf = (name: string) => pathToFileURL(fixture(name));

describe('a start', () => {
  test('by target calls the function with its arguments', async () => {
    const child = startProcess(echoes.echo, { args: ['a', { b: [1n, new Date(0)] }, undefined] });
    expect(child).toBeInstanceOf(ProcessHandle);
    expect(await child.result).toEqual(['a', { b: [1n, new Date(0)] }, undefined]);
    expect(await child.join()).toEqual({ exitCode: 0, signalCode: null });
  });

  test.each([
    ['name', { name: 5 }],
    ['name', { name: 'a\0b' }],
    ['cwd', { cwd: 5 }],
    ['cwd', { cwd: '/tmp\0' }],
    ['env', { env: 'A=B' }],
    ['env.A', { env: { A: 5 } }],
    ['env.A', { env: { A: 'x\0' } }],
    ['execArgv', { execArgv: '--no-warnings' }],
    ['execArgv[0]', { execArgv: [5] }],
  ])('throws at once for a %s that no process can have, and the handles stay', (field, options) => {
    const [rx, tx] = aiopipe();
    const error = thrownBy(() => startProcess(echoes.echo, { args: [tx], ...options } as never));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).message).toContain(field);
    expect(tx.state).toBe('owned');
    rx.close();
    tx.close();
  });

  test.each([null, 'abc', 5])('throws at once if its options are %o', (options) => {
    expect((thrownBy(() => startProcess(echoes.echo, options as never)) as TypeError).message).toMatch(/^options: /);
  });

  test('by URL and name calls an export, a target, and a target that is not exported', async () => {
    const start = (name: string, args: unknown[]) => startProcess(moduleOf('echoes'), { export: name, args }).result;
    expect(await Promise.all([start('join', ['x', 'y']), start('echo', [1]), start('hidden', ['treasure'])])).toEqual([
      'x y',
      [1],
      'hidden treasure',
    ]);
  });

  test('without arguments needs no options', async () => {
    expect(await startProcess(leavesTimers).result).toBe('settled');
  });

  test('names the child after its target, or by the option', async () => {
    const children = [startProcess(waits), startProcess(waits, { name: 'another name' })];
    expect(children.map(({ name }) => name)).toEqual(['waits', 'another name']);
    expect(children.map(({ pid = 0 }) => commandOf(pid).at(-1))).toEqual(['waits', 'another name']);
    for (const child of children) child.kill();
    await Promise.all(children.map((child) => child.join()));
  });

  test('carries more arguments than any buffer holds', async () => {
    const big = Buffer.alloc(5_000_000, 'abc');
    const [back] = await startProcess(echoes.echo, { args: [big] }).result;
    expect(big.equals(back as Buffer)).toBe(true);
  });

  test('carries instances of registered classes, there and back', async () => {
    const points = new Map([
      ['a', new Point(1, 2)],
      ['b', new Point(3, 4)],
    ]);
    const shifted = await startProcess(shift, { args: [points, 10] }).result;
    expect(shifted).toEqual([new Point(11, 12), new Point(13, 14)]);
    expect(shifted.every((point) => point instanceof Point)).toBe(true);
  });

  test('in a child of a child of a child works, and an end travels all the way', async () => {
    const [rx, tx] = aiopipe();
    const child = startProcess(descend, { args: [3, tx] });
    const pids = await child.result;
    expect(pids).toHaveLength(4);
    expect(pids[0]).toBe(child.pid);
    await using reader = rx.open();
    expect((await reader.read()).toString()).toBe(`from pid ${String(pids[3])}`);
    await child.join();
    await until('all of them are gone', () => !pids.some(isRunning));
  });

  test('does not make a child of this process', () => {
    expect(isChild()).toBe(false);
  });
});

describe('handles in the arguments', () => {
  test('move, wherever they stand', async () => {
    const [rx, tx] = aiopipe();
    const [rx2, tx2] = aiopipe();
    const [ours, theirs] = aioduplex();
    const [messages, toThem] = channel<string>();
    const [fromThem, answers] = channel<string>();
    const [one, other] = channel<string>({ duplex: true });
    const handles = {
      list: [{ rx }] as const,
      map: new Map([['tx', tx2]]),
      deep: { er: { duplex: theirs } },
      set: new Set([messages]),
      writer: answers,
    };
    const child = startProcess(uses.useAll, { args: [handles, other] });

    for (const end of [rx, tx2, theirs]) {
      expect(end.state).toBe('moved');
      expect(thrownBy(() => end.fd)).toBeInstanceOf(MovedError);
      expect(thrownBy(() => end.open())).toBeInstanceOf(MovedError);
    }
    expect(await errorOf(messages.get())).toBeInstanceOf(MovedError);
    expect(await errorOf(answers.put('x'))).toBeInstanceOf(MovedError);
    expect(thrownBy(() => other.close())).toBeInstanceOf(MovedError);

    await using writer = tx.open();
    await using reader = rx2.open();
    await using duplex = ours.open();
    await writer.write('one');
    await writer.close();
    expect((await reader.readLine()).toString()).toBe('read end: one\n');
    await duplex.writer.write('two\n');
    expect((await duplex.reader.readLine()).toString()).toBe('duplex: two\n');
    await toThem.put('three');
    expect(await fromThem.get()).toBe('reader: three');
    await one.put('four');
    expect(await one.get()).toBe('channel: four');
    await child.result;
    await child.join();
    for (const end of [toThem, fromThem, one]) end.close();
  });

  test('are closed with the child: the other side sees the end', async () => {
    const [rx, tx] = aiopipe();
    startProcess(uses.writeOne, { args: [tx, 'hello'] });
    await using reader = rx.open();
    expect((await reader.read()).toString()).toBe('hello');
  });

  test('are closed if the child is killed before it took them', async () => {
    const [rx, tx] = aiopipe();
    const child = startProcess(uses.writeOne, { args: [tx, 'hello'] });
    child.kill('SIGKILL');
    await using reader = rx.open();
    expect((await reader.read()).toString()).toBe('');
    expect(await child.join()).toEqual({ exitCode: null, signalCode: 'SIGKILL' });
  });

  test('may come back in the result', async () => {
    const child = startProcess(uses.returnHandle);
    const { rx } = await child.result;
    await using reader = (rx as ReadEnd).open();
    expect((await reader.read()).toString()).toBe('from a pipe made in the child');
    await child.join();
  });

  test('connect two siblings, with this process out of the way', async () => {
    const [reader, writer] = channel<number>();
    const summing = startProcess(uses.sum, { args: [reader] });
    const putting = startProcess(uses.putAndReturn, { args: [writer, 10_000] });
    expect(await summing.result).toBe((10_000 * 9_999) / 2);
    await Promise.all([summing.join(), putting.join()]);
  });
});

test('10,000 messages go both ways over a duplex channel, in order', async () => {
  const [ours, theirs] = channel<{ n: number; text: string }>({ duplex: true });
  const child = startProcess(echoes.echoMessages, { args: [theirs] });
  const count = 10_000;
  const sending = (async () => {
    for (let n = 0; n < count; n++) await ours.put({ n, text: `message ${String(n)}` });
  })();
  for (let n = 0; n < count; n++) {
    const message = await ours.get();
    if (message.n !== n || message.text !== `message ${String(n)}`) expect(message).toEqual({ n });
  }
  await sending;
  ours.close();
  expect(await child.result).toBe(count);
  await child.join();
});

describe('the end of a child', () => {
  test('comes when its function settles, even with timers open', async () => {
    const child = startProcess(leavesTimers);
    expect(await child.result).toBe('settled');
    expect(await child.join()).toEqual({ exitCode: 0, signalCode: null });
  });

  test('comes after everything that it put has been sent', async () => {
    const [reader, writer] = channel<number>();
    const child = startProcess(uses.putAndReturn, { args: [writer, 200_000] });
    let next = 0;
    for await (const number of reader) if (number !== next++) throw new Error(`${String(number)} is out of order`);
    expect(next).toBe(200_000);
    await child.join();
    reader.close();
  });

  test('is told after 10 MB that it wrote to its stdout, to a reader that is slow to begin', async () => {
    const child = startProcess(uses.writeMuch, { args: [10 * 1024 * 1024, true], stdout: 'pipe' });
    await child.join({ timeout: 300 });
    expect(child.isAlive()).toBe(true);
    let bytes = 0;
    for await (const chunk of child.stdout?.open() ?? []) bytes += chunk.length;
    expect(bytes).toBe(10 * 1024 * 1024);
    expect(await child.join()).toEqual({ exitCode: 0, signalCode: null });
    child.close();
  });

  test('is told after 10 MB that it put into a channel', async () => {
    const [reader, writer] = channel<Buffer>();
    const child = startProcess(uses.writeMuch, { args: [10 * 1024 * 1024, false, writer] });
    await child.join({ timeout: 300 });
    expect(child.isAlive()).toBe(true);
    let bytes = 0;
    for await (const block of reader) bytes += block.length;
    expect(bytes).toBe(10 * 1024 * 1024);
    expect(await child.join()).toEqual({ exitCode: 0, signalCode: null });
    reader.close();
  });

  test.each([0, 3])('by process.exit(%i) before its function has returned rejects the result', async (code) => {
    const child = startProcess(exits, { args: [code] });
    const error = await errorOf(child.result);
    expect(error).toBeInstanceOf(ChildError);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_NO_RESULT', exitCode: code, signalCode: null, pid: child.pid });
    expect(error.message).toContain('exits');
    expect(await child.join()).toEqual({ exitCode: code, signalCode: null });
  });

  test('with nothing left to wait for rejects the result', async () => {
    const child = startProcess(runsDry);
    expect(await errorOf(child.result)).toMatchObject({ code: 'ERR_AIOPIPE_NO_RESULT' });
    await child.join();
  });

  test('by its own signal rejects the result', async () => {
    const child = startProcess(killsItself, { args: ['SIGUSR2'] });
    expect(await errorOf(child.result)).toMatchObject({ code: 'ERR_AIOPIPE_NO_RESULT', signalCode: 'SIGUSR2' });
    expect(await child.join()).toEqual({ exitCode: null, signalCode: 'SIGUSR2' });
  });

  test('right after its start rejects the result, too', async () => {
    const child = startProcess(waits);
    expect(child.kill()).toBe(true);
    expect(await errorOf(child.result)).toMatchObject({ code: 'ERR_AIOPIPE_START', signalCode: 'SIGTERM' });
    await child.join();
  });

  test('need not be awaited: an unheard failure is no unhandled rejection', async () => {
    const heard: unknown[] = [];
    const hear = (reason: unknown) => heard.push(reason);
    process.on('unhandledRejection', hear);
    const child = startProcess(exits, { args: [1] });
    await until('it has ended', () => !child.isAlive());
    await child.join();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', hear);
    expect(heard).toEqual([]);
  });

  test('leaves no fd, and no process', async () => {
    const before = openFds();
    const children = childPids();
    const child = startProcess(echoes.echo, { args: [1], stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
    await child.join();
    child.close();
    await until('all are closed', () => fdsSince(before).length === 0);
    expect(childrenSince(children)).toEqual([]);
  });
});

describe('join', () => {
  test('resolves to undefined at its timeout, and the child goes on', async () => {
    const child = startProcess(waits);
    expect(await child.join({ timeout: 20 })).toBeUndefined();
    expect(await child.join({ timeout: 0 })).toBeUndefined();
    expect(child.isAlive()).toBe(true);
    child.terminate();
    expect(await child.join({ timeout: 20_000 })).toEqual({ exitCode: null, signalCode: 'SIGTERM' });
  });

  test('rejects at an abort, with its reason', async () => {
    const child = startProcess(waits);
    const abort = new AbortController();
    const joined = errorOf(child.join({ signal: abort.signal }));
    abort.abort('enough');
    expect(await joined).toMatchObject({ code: 'ABORT_ERR', cause: 'enough' });
    expect(await errorOf(child.join({ signal: abort.signal }))).toMatchObject({ code: 'ABORT_ERR' });
    child.kill();
    await child.join();
  });

  test('may be called by many, and again after the end', async () => {
    const child = startProcess(echoes.echo, { args: [] });
    const exit = { exitCode: 0, signalCode: null };
    expect(await Promise.all([child.join(), child.join(), child.join()])).toEqual([exit, exit, exit]);
    expect(await child.join({ timeout: 0 })).toEqual(exit);
  });

  test('rejects what is no timeout', async () => {
    const child = startProcess(waits);
    for (const timeout of [-1, NaN, '5' as unknown as number]) {
      expect(await errorOf(child.join({ timeout }))).toBeInstanceOf(TypeError);
    }
    child.kill();
    await child.join();
  });
});

describe('a handle', () => {
  test('knows how its child ended without a join', async () => {
    const child = startProcess(exits, { args: [5] });
    expect(child).toMatchObject({ exitCode: null, signalCode: null, resourceUsage: undefined });
    expect(child.pid).toBeGreaterThan(0);
    expect(child.isAlive()).toBe(true);
    await until('it has ended', () => child.exitCode !== null);
    expect(child).toMatchObject({ exitCode: 5, signalCode: null });
    expect(child.isAlive()).toBe(false);
    expect(child.resourceUsage?.maxRSS).toBeGreaterThan(1000);
    const other = startProcess(killsItself, { args: ['SIGKILL'] });
    await until('it has ended', () => other.signalCode !== null);
    expect(other).toMatchObject({ exitCode: null, signalCode: 'SIGKILL' });
    await Promise.all([child.join(), other.join()]);
  });

  test('terminates by SIGTERM, which the child may handle', async () => {
    const child = startProcess(handlesSigterm, { stdout: 'pipe' });
    await child.stdout?.open().readLine();
    expect(child.terminate()).toBe(true);
    expect(await child.result).toBe('SIGTERM');
    expect(await child.join()).toEqual({ exitCode: 0, signalCode: null });
    child.close();
  });

  test('kills a child that ignores SIGTERM', async () => {
    const child = startProcess(ignoresSigterm, { stdout: 'pipe' });
    await child.stdout?.open().readLine();
    child.terminate();
    expect(await child.join({ timeout: 50 })).toBeUndefined();
    expect(child.kill('SIGKILL')).toBe(true);
    expect(await child.join()).toEqual({ exitCode: null, signalCode: 'SIGKILL' });
    child.close();
  });

  test('sends any signal that there is, and none once the child has ended', async () => {
    const child = startProcess(waits);
    expect(thrownBy(() => child.kill('SIGNOTHING' as NodeJS.Signals))).toBeInstanceOf(TypeError);
    expect(child.kill('SIGUSR2')).toBe(true);
    expect(await child.join()).toEqual({ exitCode: null, signalCode: 'SIGUSR2' });
    expect(child.kill()).toBe(false);
    expect(child.terminate()).toBe(false);
  });

  test('cannot be closed before the end; after that every call throws', async () => {
    const child = startProcess(waits, { stdout: 'pipe' });
    expect(thrownBy(() => child.close())).toBeInstanceOf(BusyError);
    child.kill();
    await child.join();
    const { result } = child;
    child.close();
    const calls: Record<string, () => unknown> = {
      pid: () => child.pid,
      name: () => child.name,
      isAlive: () => child.isAlive(),
      exitCode: () => child.exitCode,
      signalCode: () => child.signalCode,
      resourceUsage: () => child.resourceUsage,
      stdin: () => child.stdin,
      stdout: () => child.stdout,
      stderr: () => child.stderr,
      result: () => child.result,
      terminate: () => child.terminate(),
      kill: () => child.kill(),
      close: () => child.close(),
      ref: () => child.ref(),
      unref: () => child.unref(),
    };
    for (const [name, call] of Object.entries(calls)) {
      const error = thrownBy(call);
      expect(error, name).toBeInstanceOf(ClosedError);
      expect(error.message).toContain('waits');
    }
    expect(await errorOf(child.join())).toBeInstanceOf(ClosedError);
    // What was asked for before is still told.
    expect(await errorOf(result)).toBeInstanceOf(ChildError);
  });
});

describe('a call that is wrong', () => {
  const nothingHappened = () => {
    const before = openFds();
    const children = childPids();
    return () => {
      expect(fdsSince(before)).toEqual([]);
      expect(childrenSince(children)).toEqual([]);
    };
  };

  test('with a bare function shows the line to write', () => {
    const check = nothingHappened();
    const start = startProcess as unknown as (what: unknown) => void;
    function greet() {
      return 1;
    }
    const error = thrownBy(() => start(greet));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(`target(import.meta.url, 'greet', greet)`);
    expect(thrownBy(() => start(() => 1)).message).toContain('target(import.meta.url');
    check();
  });

  test.each([[undefined], [null], [5], ['file.js'], [{}], [[]]])(
    'with %j for a target says what it expects',
    (what) => {
      const check = nothingHappened();
      const error = thrownBy(() => (startProcess as unknown as (what: unknown) => void)(what));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain('target()');
      check();
    },
  );

  test('of one name for two functions of a module is refused', async () => {
    const url = 'file:///a/module.js';
    const [one, other] = [() => 1, () => 2];
    target(url, 'one', one);
    target(url, 'other', other);
    expect(thrownBy(() => target(url, 'one', other)).message).toMatch(/module\.js.*"one"/);
    // Another copy of the package, or a loader that evaluates the module again.
    expect(target(url, 'one', one).run).toBe(one);
    await Promise.resolve();
    expect(target(url, 'one', other).run).toBe(other);
  });

  test('with a URL and no export, or with args that are no list', () => {
    const check = nothingHappened();
    const start = startProcess as unknown as (what: unknown, options?: unknown) => void;
    expect(thrownBy(() => start(moduleOf('echoes'))).message).toContain('export');
    expect(thrownBy(() => start(echoes.echo, { args: 'ab' })).message).toContain('args');
    check();
  });

  test('with an argument that cannot be sent names it, and takes nothing', () => {
    const [rx, tx] = aiopipe();
    const check = nothingHappened();
    const args = [tx, { jobs: [{ callback: () => undefined }] }] as const;
    const error = thrownBy(() => startProcess(echoes.echo, { args: [...args], stdout: 'pipe', stdin: 'pipe' }));
    expect(error.message).toMatch(/^args\[1\]\.jobs\[0\]\.callback: a function cannot be sent/);
    check();
    expect(tx.state).toBe('owned');
    rx.close();
    tx.close();
  });

  test('that is a daemon and detached throws', () => {
    expect(thrownBy(() => startProcess(echoes.echo, { args: [], daemon: true, detached: true })).message).toMatch(
      /^daemon, detached: /,
    );
  });

  test('with a handle that is gone, or in use, throws', async () => {
    const [rx, tx] = aiopipe();
    const [reader, writer] = channel();
    const waiting = reader.get();
    tx.close();
    const check = nothingHappened();
    expect(thrownBy(() => startProcess(echoes.echo, { args: [tx] }))).toBeInstanceOf(ClosedError);
    expect(thrownBy(() => startProcess(echoes.echo, { args: [reader] }))).toBeInstanceOf(BusyError);
    expect(thrownBy(() => startProcess(echoes.echo, { args: [rx, reader] }))).toBeInstanceOf(BusyError);
    check();
    expect(rx.state).toBe('owned');
    await writer.put('still here');
    expect(await waiting).toBe('still here');
    rx.close();
    reader.close();
    writer.close();
  });

  test('with more arguments than a message may hold throws', () => {
    const check = nothingHappened();
    const error = thrownBy(() => startProcess(echoes.echo, { args: [Buffer.alloc(257 * 1024 * 1024)] }));
    expect(error.code).toBe('ERR_AIOPIPE_FRAME_TOO_LONG');
    expect(error).not.toBeInstanceOf(QueueFullError);
    check();
  });
});

describe('a process that cannot be started', () => {
  test.each<[string, () => ProcessHandle, RegExp]>([
    ['because its module is not there', () => startProcess(moduleOf('not-there'), { export: 'x' }), /not-there/],
    ['because its module throws', () => startProcess(moduleOf('fails-to-load'), { export: 'x' }), /not today/],
    [
      'because the export is not there',
      () => startProcess(moduleOf('echoes'), { export: 'nobody' }),
      /nobody.*exports.*echo/,
    ],
    [
      'because the export is no function',
      () => startProcess(moduleOf('tells-about-itself'), { export: 'wasChildAtEvaluation' }),
      /wasChildAtEvaluation/,
    ],
    ['because its cwd is not there', () => startProcess(waits, { cwd: '/not/there' }), /\/not\/there/],
  ])('%s rejects result and join, and leaves no fd', async (_name, start, message) => {
    const [rx, tx] = aiopipe();
    const before = openFds();
    const child = start();
    const failure = await errorOf(child.result);
    expect(failure).toBeInstanceOf(ChildError);
    expect(failure.code).toBe('ERR_AIOPIPE_START');
    expect(failure.message).toMatch(message);
    expect(failure.cause).toBeInstanceOf(Error);
    expect(await errorOf(child.join())).toBe(failure);
    expect(child.isAlive()).toBe(false);
    child.close();
    await until('all are closed', () => fdsSince(before).length === 0);
    rx.close();
    tx.close();
  });

  test('tells what its module threw as the cause', async () => {
    const { cause } = await errorOf(startProcess(moduleOf('fails-to-load'), { export: 'x' }).result);
    expect(cause).toBeInstanceOf(RangeError);
    expect(cause).toMatchObject({ message: 'not today', code: 'E_NOT_TODAY' });
  });

  test('closes the handles that it would have got', async () => {
    for (const child of [
      (tx: unknown) => startProcess(echoes.echo, { args: [tx], cwd: '/not/there', stdin: 'pipe', stdout: 'pipe' }),
      (tx: unknown) => startProcess(moduleOf('not-there'), { export: 'x', args: [tx] }),
    ]) {
      const [rx, tx] = aiopipe();
      const started = child(tx);
      expect(tx.state).toBe('moved');
      await using reader = rx.open();
      expect(await reader.read()).toHaveLength(0);
      expect(await errorOf(started.join())).toMatchObject({ code: 'ERR_AIOPIPE_START' });
      started.close();
    }
  });

  test('can be waited for before it is known', async () => {
    const child = startProcess(moduleOf('not-there'), { export: 'x' });
    const [one, other] = await Promise.all([errorOf(child.join()), errorOf(child.join({ timeout: 20_000 }))]);
    expect(one.code).toBe('ERR_AIOPIPE_START');
    expect(other).toBe(one);
  });

  test('says so if Node refuses its options', async () => {
    const child = startProcess(waits, { execArgv: ['--no-such-option'], stderr: 'pipe' });
    const error = await errorOf(child.result);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_START', exitCode: 9 });
    expect(error.message).toMatch(/before its function was called.*exit code 9.*execArgv/);
    expect((await child.stderr?.open().read())?.toString()).toContain('--no-such-option');
    await child.join();
    child.close();
  });

  test('was not asked to do anything if its module ends the process', async () => {
    const child = startProcess(moduleOf('exits-while-evaluated'), { export: 'x' });
    expect(await errorOf(child.result)).toMatchObject({ code: 'ERR_AIOPIPE_START', exitCode: 4 });
    expect(await child.join()).toEqual({ exitCode: 4, signalCode: null });
  });

  test('has no pid, takes no signal, and can be closed', async () => {
    const child = startProcess(waits, { cwd: '/not/there' });
    expect(child.pid).toBeUndefined();
    expect(child).toMatchObject({ exitCode: null, signalCode: null });
    expect(child.terminate()).toBe(false);
    await errorOf(child.join());
    child.close();
    expect(thrownBy(() => child.pid)).toBeInstanceOf(ClosedError);
  });

  test('for want of descriptors says so, and leaves none open', async () => {
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      'ulimit -n 60; exec "$0" "$1"',
      process.execPath,
      fixture('starts-at-the-fd-limit'),
    ]);
    const attempts = JSON.parse(stdout) as { code: string; left: number; kept: boolean }[];
    expect(attempts.length).toBeGreaterThan(5);
    expect(attempts.pop()).toEqual({ code: 'started', left: 0, kept: true });
    for (const attempt of attempts) expect(attempt).toEqual({ code: 'EMFILE', left: 0, kept: true });
  });
});
