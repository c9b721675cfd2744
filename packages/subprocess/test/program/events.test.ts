import { spawn } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once, type EventEmitter } from 'node:events';
import { addContextCarrier, type ProcessExitMessage, type ProcessStart } from '@aiopipe/core';
import { pipeline, popen } from '@aiopipe/subprocess';
import { leakCheck, observe, observeTraced, requestContext, turns } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { errorOf } from '../helpers.js';

afterAll(leakCheck());

describe('aiopipe:process.start and aiopipe:process.exit', () => {
  it('tell of a program’s start and end, with one object for the process', async () => {
    using starts = observeTraced<ProcessStart>('aiopipe:process.start');
    using exits = observe<ProcessExitMessage>(['aiopipe:process.exit']);
    const program = popen(['sh', '-c', 'exit 3'], { cwd: '/tmp' });
    await program.wait();
    expect(starts.events()).toEqual(['start', 'end']);
    const start = starts.published[0]?.message;
    expect(start).toMatchObject({ kind: 'program', name: 'sh' });
    expect(start?.process).toMatchObject({
      pid: program.pid,
      argv: ['sh', '-c', 'exit 3'],
      cwd: '/tmp',
      kind: 'program',
    });
    expect(exits.published).toHaveLength(1);
    expect(exits.published[0]?.message).toMatchObject({ exitCode: 3, signalCode: null });
    expect(exits.published[0]?.message.process).toBe(start?.process);
    expect(exits.published[0]?.message.resourceUsage.maxRSS).toBeGreaterThan(0);
  });

  it('tell of a start that fails, with the error that popen() throws', () => {
    using starts = observeTraced<ProcessStart>('aiopipe:process.start');
    using exits = observe(['aiopipe:process.exit']);
    const error = errorOf(() => popen(['no-such-program']));
    expect(starts.events()).toEqual(['start', 'error', 'end']);
    expect(starts.published[1]?.message.error).toBe(error);
    expect(starts.published[1]?.message.process).toBeUndefined();
    expect(exits.published).toEqual([]);
  });

  it('can stop the process', async () => {
    using starts = observeTraced<ProcessStart>('aiopipe:process.start');
    const program = popen(['sleep', '100']);
    expect(starts.published[0]?.message.process?.kill('SIGKILL')).toBe(true);
    expect(await program.wait()).toMatchObject({ signalCode: 'SIGKILL' });
    expect(starts.published[0]?.message.process?.kill()).toBe(false);
  });
});

describe('the channels of node:child_process', () => {
  const names = ['child_process', ...['start', 'end', 'error'].map((event) => `tracing:child_process.spawn:${event}`)];
  interface Like extends EventEmitter {
    readonly pid: number | undefined;
    readonly spawnfile: string;
    readonly spawnargs: readonly string[];
    readonly exitCode: number | null;
    readonly signalCode: string | null;
  }

  /** What a monitor hears of one process, by the fields and events that monitors use. */
  async function heardOf(start: () => unknown): Promise<readonly unknown[]> {
    const heard: unknown[] = [];
    const known: Like[] = [];
    const listen = (message: unknown) => {
      const { process: child } = message as { process: Like };
      known.push(child);
      for (const event of ['spawn', 'error', 'exit', 'close']) {
        child.on(event, (...args: unknown[]) => {
          heard.push([event, ...args.map((arg) => (arg instanceof Error ? 'error' : arg))]);
        });
      }
    };
    subscribe('child_process', listen);
    try {
      try {
        start();
      } catch {
        // Ours throws at once; Node's emits.
      }
      const [child] = known as [Like];
      if (child.pid !== undefined) await once(child, 'close');
      await turns();
      heard.push([child.spawnfile, child.spawnargs, child.exitCode, child.signalCode]);
    } finally {
      unsubscribe('child_process', listen);
    }
    return heard;
  }

  it.each([
    ['ends', ['sh', '-c', 'exit 3']],
    ['is killed', ['sh', '-c', 'kill -9 $$']],
  ])('tell of a program that %s as they tell of Node’s own', async (_name, argv) => {
    const ours = await heardOf(() => popen(argv));
    const theirs = await heardOf(() => spawn(argv[0] as string, argv.slice(1), { stdio: 'ignore' }));
    expect(ours).toEqual(theirs);
    expect(ours).toHaveLength(4);
  });

  it('tell of a program that cannot be started, and nothing is uncaught', async () => {
    const heard = await heardOf(() => popen(['no-such-program']));
    expect(heard).toEqual([
      ['error', 'error'],
      ['no-such-program', ['no-such-program'], null, null],
    ]);
    using quiet = observe(['child_process']);
    expect(errorOf(() => popen(['no-such-program'])).code).toBe('ENOENT');
    await turns();
    expect(quiet.published).toHaveLength(1);
  });

  it('tell of start and end, or of the error', async () => {
    using spawns = observe<{ process: Like; error?: unknown; options?: { file: string } }>(names);
    await popen(['true']).wait();
    errorOf(() => popen(['no-such-program']));
    expect(spawns.events()).toEqual(['child_process', 'start', 'end', 'child_process', 'start', 'error']);
    expect(spawns.published[1]?.message.options?.file).toBe('true');
    expect(spawns.published[5]?.message.error).toMatchObject({ code: 'ENOENT' });
  });
});

describe('the variables of a context carrier', () => {
  const { request, carrier } = requestContext();
  const argv = ['sh', '-c', 'echo ${REQUEST-none}'] as const;
  const seen = async (env?: Record<string, string | undefined>) =>
    (await pipeline({ argv, ...(env && { env }) }).run()).stdout.trim();

  it('are in the environment of programs, unless the caller has set others', async () => {
    using _ = addContextCarrier(carrier);
    expect(await seen()).toBe('none');
    expect(await request.run('7', () => seen())).toBe('7');
    expect(await request.run('7', () => seen({ PATH: process.env['PATH'] }))).toBe('7');
    expect(await request.run('7', () => seen({ PATH: process.env['PATH'], REQUEST: 'mine' }))).toBe('mine');
  });

  it('replace those that this process was started with', async () => {
    using _ = addContextCarrier(carrier);
    process.env['REQUEST'] = 'of our parent';
    try {
      expect(await seen()).toBe('of our parent');
      expect(await request.run('7', () => seen())).toBe('7');
      expect(await request.run('7', () => seen({ ...process.env }))).toBe('7');
    } finally {
      delete process.env['REQUEST'];
    }
  });
});
