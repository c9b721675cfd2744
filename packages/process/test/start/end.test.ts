import { afterAll, describe, expect, test } from 'vitest';
import { channel } from '@aiopipe/codec';
import { ChildError, startProcess } from '@aiopipe/process';
import { childPids, fdsSince, leakCheck, openFds, until } from '@aiopipe/testing';
import * as echoes from '../fixtures/echoes.js';
import { exits, killsItself, leavesTimers, runsDry, waits } from '../fixtures/ends-somehow.js';
import { saysMuchAndExits } from '../fixtures/talks-to-siblings.js';
import * as uses from '../fixtures/uses-handles.js';
import { childrenSince, errorOf } from '../helpers.js';

afterAll(leakCheck());

/** A busy machine may let a child come to its function before the signal is sent. */
const startedOrNot: unknown = expect.stringMatching(/^ERR_AIOPIPE_(START|NO_RESULT)$/);

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

  test('comes after 10 MB on its stdout, also if the reader starts late', async () => {
    const child = startProcess(uses.writeMuch, { args: [10 * 1024 * 1024, true], stdout: 'pipe' });
    await child.join({ timeout: 300 });
    expect(child.isAlive()).toBe(true);
    let bytes = 0;
    for await (const chunk of child.stdout?.open() ?? []) bytes += chunk.length;
    expect(bytes).toBe(10 * 1024 * 1024);
    expect(await child.join()).toEqual({ exitCode: 0, signalCode: null });
    child.close();
  });

  test('comes after 10 MB that it put into a channel', async () => {
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
    expect(await errorOf(child.result)).toMatchObject({
      code: 'ERR_AIOPIPE_NO_RESULT',
      message: expect.stringMatching(
        /: with exit code 0 \(it called process\.exit\(\), or awaits a promise that nothing will settle\)$/,
      ) as string,
    });
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
    expect(await errorOf(child.result)).toMatchObject({ code: startedOrNot, signalCode: 'SIGTERM' });
    await child.join();
  });

  test('need not be awaited: an unheard failure causes no unhandledRejection', async () => {
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

test('100 children at once, each with its own arguments and its own end, and none is missed', async () => {
  const children = Array.from({ length: 100 }, (_, i) => startProcess(exits, { args: [i] }));
  const ends = await Promise.all(children.map((child) => child.join()));
  expect(ends).toEqual(children.map((_, i) => ({ exitCode: i, signalCode: null })));
  for (const child of children) child.close();
});

test('30 children that are killed at once are all reported', async () => {
  const children = Array.from({ length: 30 }, () => startProcess(waits));
  for (const child of children) child.kill('SIGKILL');
  const errors = await Promise.all(children.map((child) => errorOf(child.result)));
  for (const error of errors) expect(error).toMatchObject({ code: startedOrNot, signalCode: 'SIGKILL' });
  for (const child of children) expect(await child.join()).toEqual({ exitCode: null, signalCode: 'SIGKILL' });
});

test('all output and all messages of a child arrive, even if it ends by process.exit()', async () => {
  const bytes = 10 * 1024 * 1024;
  const [reader, writer] = channel<Buffer>();
  const child = startProcess(saysMuchAndExits, { args: [bytes, writer], stdout: 'pipe', stderr: 'pipe' });
  const count = async (chunks: AsyncIterable<Buffer> | undefined) => {
    let sum = 0;
    for await (const chunk of chunks ?? []) sum += chunk.length;
    return sum;
  };
  const counts = await Promise.all([count(child.stdout?.open()), count(child.stderr?.open()), count(reader)]);
  // A listener to its exit writes one more word to stdout.
  expect(counts).toEqual([bytes + 4, bytes, bytes]);
  expect(await child.join()).toEqual({ exitCode: 0, signalCode: null });
  expect((await errorOf(child.result)).code).toBe('ERR_AIOPIPE_NO_RESULT');
  child.close();
  reader.close();
});
