import { once } from 'node:events';
import { afterAll, describe, expect, test } from 'vitest';
import { ChildError, Pool } from '@aiopipe/process';
import { fdsSince, leakCheck, openFds, until } from '@aiopipe/testing';
import { perform, square } from '../fixtures/does-tasks.js';
import { hoardMemory, leaveWriter, write, writeMuch } from '../fixtures/writes-output.js';
import { errorOf, thrownBy } from '../helpers.js';

afterAll(leakCheck());

describe('output: events', () => {
  test('publishes each line of the workers, with its stream, before the worker’s end', async () => {
    const pool = new Pool(write, { size: 1, output: 'events' });
    const seen: unknown[] = [];
    pool.on('output', ({ worker, stream, line }) => seen.push([worker, stream, line]));
    pool.on('worker-ended', ({ worker }) => seen.push([worker, 'ended']));
    await pool.run('one\n\ntwo ü', '');
    await pool.run('!\n', 'an error\nthe rest');
    await pool.close();
    const of = (name: string) =>
      seen.filter((event) => (event as string[])[1] === name).map((event) => (event as string[])[2]);
    expect(of('stdout')).toEqual(['one', '', 'two ü!']);
    expect(of('stderr')).toEqual(['an error', 'the rest']);
    expect(seen.at(-1)).toEqual(['write-1', 'ended']);
  });

  test('publishes a long line in pieces, and breaks no character', async () => {
    const pool = new Pool(write, { size: 1, output: 'events' });
    const pieces: string[] = [];
    pool.on('output', ({ line }) => pieces.push(line));
    const text = `x${'ü'.repeat(100_000)}`;
    await pool.run(`${text}\n`, '');
    await pool.close();
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join('')).toBe(text);
  });

  test('reads what no listener takes, so that no worker waits for it', async () => {
    const fds = openFds();
    const pool = new Pool(writeMuch, { size: 1, output: 'events' });
    expect(await pool.run(2000)).toBe(2000);
    await pool.close();
    await until('all are closed', () => fdsSince(fds).length === 0);
  });

  test('leaves a stream alone that the options send elsewhere', async () => {
    const pool = new Pool(write, { size: 1, output: 'events', options: { stdout: 'ignore' } });
    const lines: string[] = [];
    pool.on('output', ({ line }) => lines.push(line));
    await pool.run('out\n', 'errors\n');
    await pool.close();
    expect(lines).toEqual(['errors']);
  });

  test('does not wait for a program that has kept a worker’s stdout', async () => {
    const pool = new Pool(leaveWriter, { size: 1, output: 'events' });
    const pid = await pool.run();
    await pool.close();
    process.kill(Number(pid), 'SIGKILL');
  });
});

test.each([
  ['output', { output: 'pipe' as never }],
  ['maxRss.bytes', { maxRss: { bytes: 0, interval: 5 } }],
  ['maxRss.interval', { maxRss: { bytes: 5, interval: 0 } }],
  ['maxRss.interval', { maxRss: { bytes: 5 } as never }],
])('a bad %s is refused', (name, options) => {
  expect(thrownBy(() => new Pool(square, options)).message).toContain(`${name}: `);
});

test('a piped stdout is refused, and the message names the option that reads it', () => {
  expect(thrownBy(() => new Pool(square, { options: { stdout: 'pipe' } })).message).toContain("output: 'events'");
});

describe('maxRss with an interval', () => {
  test('kills a worker that holds too much during a task, and says so', async () => {
    await using pool = new Pool({ size: 1, intensity: 0, maxRss: { bytes: 400 * 2 ** 20, interval: 5 } });
    const ended = once(pool, 'worker-ended');
    const error = await errorOf(pool.of(hoardMemory).run());
    expect(error).toBeInstanceOf(ChildError);
    expect(error.code).toBe('ERR_AIOPIPE_NO_RESULT');
    expect(error.message).toMatch(/held \d+ MiB of memory, over the limit of 400 MiB \(maxRss\)/);
    expect((await ended)[0]).toMatchObject({ reason: 'memory', signalCode: 'SIGKILL' });
    expect(await pool.of(perform).run('', 'goes on')).toBe('goes on');
    expect(pool.stats).toMatchObject({ recycled: 1, restarts: 0 });
  });
});
