import { performance } from 'node:perf_hooks';
import { AbortError, TimeoutError } from '@aiopipe/core';
import { pipeline } from '@aiopipe/subprocess';
import { isRunning, leakCheck, until } from '@aiopipe/testing';
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { inDirectory, whatIsThere } from '../helpers.js';

afterAll(leakCheck());

/** Milliseconds: the grace of a run that names none. */
const DEFAULT_GRACE = 2000;

/** A chain whose grandchild writes its pid to `file`, and that runs until it is ended. */
const withGrandchild = (file: string, trap = '') =>
  pipeline(
    ['cat'],
    ['sh', '-c', `${trap} sleep 1000 & echo $! > ${file}.part; mv ${file}.part ${file}; wait`],
    ['cat'],
  );

async function grandchildOf(file: string): Promise<number> {
  let pid = 0;
  await until('the grandchild runs', () => {
    try {
      pid = Number(readFileSync(file, 'utf8'));
    } catch {
      return false;
    }
    return isRunning(pid);
  });
  return pid;
}

const forEver = () => new Promise<never>(() => undefined);
const silence = { [Symbol.asyncIterator]: () => ({ next: forEver, return: forEver }) };

/** An input that aborts as soon as it is read: while the chain still starts. */
async function* abortingInput(controller: AbortController) {
  controller.abort(new Error('enough'));
  yield 'never read';
}

it('A signal that is aborted during the start ends the chain', async () => {
  const { children } = whatIsThere();
  const controller = new AbortController();
  const options = { input: abortingInput(controller), signal: controller.signal };
  await expect(pipeline(['sleep', '1000']).run(options)).rejects.toMatchObject({
    code: 'ABORT_ERR',
    cause: controller.signal.reason,
  });
  expect(children()).toEqual([]);
});

describe('an abort', () => {
  it('ends the whole chain and its grandchildren, and rejects with the reason as cause', () =>
    inDirectory(async (path) => {
      const { fds, children } = whatIsThere();
      const abort = new AbortController();
      const run = withGrandchild(path('pid')).run({ input: silence, signal: abort.signal });
      const grandchild = await grandchildOf(path('pid'));
      abort.abort('enough');
      await expect(run).rejects.toThrow(AbortError);
      await expect(run).rejects.toMatchObject({ code: 'ABORT_ERR', cause: 'enough' });
      expect([isRunning(grandchild), fds(), children()]).toEqual([false, [], []]);
    }));

  it('kills after the grace what ignores SIGTERM, grandchildren too', () =>
    inDirectory(async (path) => {
      const abort = new AbortController();
      const run = withGrandchild(path('pid'), 'trap "" TERM;').run({
        input: silence,
        signal: abort.signal,
        grace: 200,
      });
      const grandchild = await grandchildOf(path('pid'));
      const begin = performance.now();
      abort.abort();
      await expect(run).rejects.toThrow(AbortError);
      expect(performance.now() - begin).toBeGreaterThan(190);
      expect(performance.now() - begin).toBeLessThan(DEFAULT_GRACE);
      await until('the grandchild has ended', () => !isRunning(grandchild));
    }));

  it('gives a grandchild its grace even when all programs of the chain have ended', () =>
    inDirectory(async (path) => {
      const abort = new AbortController();
      const script = `(trap 'sleep 0.2; echo clean > ${path('end')}; exit' TERM; echo $(exec sh -c 'echo $PPID') > ${path('part')}; mv ${path('part')} ${path('pid')}; while :; do sleep 0.01; done) & wait`;
      const run = pipeline(['sh', '-c', script]).run({ signal: abort.signal });
      await grandchildOf(path('pid'));
      abort.abort();
      await expect(run).rejects.toThrow(AbortError);
      expect(readFileSync(path('end'), 'utf8')).toBe('clean\n');
    }));

  it('settles though something outside of the group holds stdout', () =>
    inDirectory(async (path) => {
      const abort = new AbortController();
      const script = `setsid sleep 1000 & echo $! > ${path('part')}; mv ${path('part')} ${path('pid')}; wait`;
      const run = pipeline(['sh', '-c', script], ['cat']).run({ signal: abort.signal });
      const stray = await grandchildOf(path('pid'));
      abort.abort();
      await expect(run).rejects.toThrow(AbortError);
      process.kill(stray, 'SIGKILL');
    }));

  it('before the start starts nothing', async () => {
    const { children } = whatIsThere();
    const run = pipeline(['sleep', '1000']).run({ signal: AbortSignal.abort('early') });
    expect(children()).toEqual([]);
    await expect(run).rejects.toMatchObject({ code: 'ABORT_ERR', cause: 'early' });
  });

  it('ends a loop over lines, also while it does not wait', async () => {
    const abort = new AbortController();
    const lines = pipeline(['sh', '-c', 'echo a; echo b; sleep 1000']).lines({ signal: abort.signal });
    await lines.next();
    await lines.next();
    const third = lines.next();
    abort.abort();
    await expect(third).rejects.toThrow(AbortError);

    const other = new AbortController();
    const more = pipeline(['yes'], ['cat']).lines({ signal: other.signal });
    await more.next();
    other.abort();
    const rest = async () => {
      for await (const _ of more);
    };
    await expect(rest()).rejects.toThrow(AbortError);
  });

  it('after the end is nothing', async () => {
    const abort = new AbortController();
    await pipeline(['true']).run({ signal: abort.signal });
    abort.abort();
  });
});

describe('a timeout', () => {
  it('ends the chain, and names it', async () => {
    const { fds, children } = whatIsThere();
    const run = pipeline(['sleep', '1000'], ['cat']).run({ timeout: 20 });
    await expect(run).rejects.toThrow(TimeoutError);
    await expect(run).rejects.toThrow('`sleep 1000 | cat` did not end within 20 ms');
    expect([fds(), children()]).toEqual([[], []]);
  });
});

describe('a stray that outlives a chain', () => {
  it('and holds its stdout is waited for as long as the grace', async () => {
    const begin = performance.now();
    const { stdout } = await pipeline(['sh', '-c', 'setsid sleep 1000 & echo $!']).run({ grace: 150 });
    expect(performance.now() - begin).toBeGreaterThan(140);
    expect(performance.now() - begin).toBeLessThan(DEFAULT_GRACE);
    expect(isRunning(Number(stdout))).toBe(true);
    process.kill(Number(stdout), 'SIGKILL');
  });

  it('and goes on writing does not hold it up for ever', async () => {
    const { stdout } = await pipeline(['sh', '-c', 'yes & echo $!']).run({ grace: 50 });
    const stray = Number(/^\d+$/m.exec(stdout)?.[0]);
    await until('it has met a closed pipe', () => !isRunning(stray));
  });

  it('and writes in time is read to its end', async () => {
    const { stdout } = await pipeline(['sh', '-c', '(sleep 0.1; echo late) & echo soon']).run();
    expect(stdout).toBe('soon\nlate\n');
  });
});

describe('the group', () => {
  it('is one for the whole chain, and not ours', async () => {
    const script = ['sh', '-c', 'cat; cut -d" " -f5 /proc/$$/stat'];
    const { stdout, stages } = await pipeline(script, script, script).run();
    const leader = stages[0]?.pid;
    expect(stdout.trim().split('\n').map(Number)).toEqual([leader, leader, leader]);
  });
});
