import { existsSync, writeFileSync } from 'node:fs';
import { AsyncPipe, popen } from '@aiopipe/subprocess';
import { collectGarbage, errorOf, leakCheck, until } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { inDirectory } from '../helpers.js';

afterAll(leakCheck());

const BIG = Buffer.alloc(1024 * 1024, 'abcdefg\n');

/** Runs a callback with a program that says `start`, and reads its input only after `read()`. */
function withSlow(callback: (pipe: AsyncPipe, read: () => void) => Promise<void>): Promise<void> {
  return inDirectory(async (path) => {
    const script = 'echo start; until [ -e "$0" ]; do sleep 0.01; done; cat';
    const slow = popen(['sh', '-c', script, path('go')], { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
    await using pipe = new AsyncPipe(slow);
    await callback(pipe, () => {
      writeFileSync(path('go'), '');
    });
  });
}

describe('communicate() after one that was ended', () => {
  it.each([
    ['a timeout', () => ({ timeout: 50 }), 'ERR_AIOPIPE_TIMEOUT'],
    ['an abort', () => ({ signal: AbortSignal.timeout(50) }), 'ABORT_ERR'],
  ])('by %s feeds on, and gives all that was written', async (_how, options, code) => {
    await withSlow(async (pipe, read) => {
      expect((await errorOf(pipe.communicate(BIG, options()))).code).toBe(code);
      expect((await errorOf(pipe.communicate(undefined, options()))).code).toBe(code);
      read();
      const [stdout] = await pipe.communicate();
      expect(stdout.equals(Buffer.concat([Buffer.from('start\n'), BIG]))).toBe(true);
      expect(pipe.poll()?.exitCode).toBe(0);
    });
  });

  it.each([
    ['a timeout', () => ({ timeout: 500 })],
    ['an abort', () => ({ signal: AbortSignal.timeout(500) })],
  ])('has what had come until %s in the error, and its caller, and gives it again', async (_how, options) => {
    await inDirectory(async (path) => {
      const script = 'echo out; echo err >&2; : > "$0"; exec sleep 1000';
      const program = popen(['sh', '-c', script, path('written')], { stdout: 'pipe', stderr: 'pipe' });
      await using pipe = new AsyncPipe(program);
      await until('it has written', () => existsSync(path('written')));
      async function theCaller() {
        return await pipe.communicate(undefined, options());
      }
      const error = await errorOf(theCaller());
      expect(error).toMatchObject({ stdout: Buffer.from('out\n'), stderr: Buffer.from('err\n') });
      expect(error.message).toMatch(/^sh -c .* \(pid \d+\) did not end/);
      expect(error.stack).toContain('theCaller');
      expect(await pipe.readLine()).toEqual(Buffer.from('out\n'));
      expect(await pipe.readLineStderr()).toEqual(Buffer.from('err\n'));
    });
  });

  it('feeds on from what yields piece by piece', async () => {
    await withSlow(async (pipe, read) => {
      const input = function* () {
        for (let i = 0; i < 16; i++) yield BIG.subarray(0, 65536);
      };
      await errorOf(pipe.communicate(input(), { timeout: 50 }));
      read();
      expect((await pipe.communicate())[0].length).toBe(6 + BIG.length);
    });
  });

  it('takes no second input before the first is written', async () => {
    await withSlow(async (pipe, read) => {
      await errorOf(pipe.communicate(BIG, { timeout: 50 }));
      expect((await errorOf(pipe.communicate('more'))).code).toBe('ERR_AIOPIPE_BUSY');
      read();
      expect((await pipe.communicate())[0].length).toBe(6 + BIG.length);
    });
  });

  it('may be left: close() drops what was not written', async () => {
    await withSlow(async (pipe) => {
      await errorOf(pipe.communicate(BIG, { timeout: 50 }));
      await pipe.close();
      expect((await errorOf(pipe.communicate('more'))).code).toBe('ERR_AIOPIPE_CLOSED');
    });
  });
});

it('communicate() that was ended many times leaves nothing in memory while the program runs', async () => {
  await using pipe = new AsyncPipe(popen(['sleep', '1000'], { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' }));
  const usedAfter = async (calls: number) => {
    for (let i = 0; i < calls; i++) {
      const stop = new AbortController();
      const ended = pipe.communicate(undefined, { signal: stop.signal });
      stop.abort();
      await errorOf(ended);
    }
    await collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = await usedAfter(100);
  // A call that leaves its reactions at the exit takes 11 KB.
  expect((await usedAfter(400)) - before).toBeLessThan(400 * 4000);
});

it.each(['stdout', 'stderr'] as const)('communicate() with a %s that is in use leaves no read behind', async (name) => {
  const program = popen(['sleep', '1000'], { stdout: 'pipe', stderr: 'pipe' });
  await using pipe = new AsyncPipe(program);
  using _reader = program[name].open();
  expect((await errorOf(pipe.communicate())).code).toBe('ERR_AIOPIPE_BUSY');
  expect((await errorOf(pipe.communicate())).code).toBe('ERR_AIOPIPE_BUSY');
  const read = name === 'stdout' ? pipe.readStderr(1, { timeout: 1 }) : pipe.read(1, { timeout: 1 });
  expect((await errorOf(read)).code).toBe('ERR_AIOPIPE_TIMEOUT');
});
