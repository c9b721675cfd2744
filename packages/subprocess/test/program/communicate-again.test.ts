import { AsyncPipe, popen } from '@aiopipe/subprocess';
import { errorOf, leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';

afterAll(leakCheck());

const SLOW = ['sh', '-c', 'echo start; sleep 0.3; cat'];
const BIG = Buffer.alloc(1024 * 1024, 'abcdefg\n');
const start = () => new AsyncPipe(popen(SLOW, { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' }));

describe('communicate() after one that was ended', () => {
  it.each([
    ['a timeout', () => ({ timeout: 50 }), 'ERR_AIOPIPE_TIMEOUT'],
    ['an abort', () => ({ signal: AbortSignal.timeout(50) }), 'ABORT_ERR'],
  ])('by %s feeds on, and gives all that was written', async (_how, options, code) => {
    await using pipe = start();
    expect((await errorOf(pipe.communicate(BIG, options()))).code).toBe(code);
    expect((await errorOf(pipe.communicate(undefined, options()))).code).toBe(code);
    const [stdout] = await pipe.communicate();
    expect(stdout.equals(Buffer.concat([Buffer.from('start\n'), BIG]))).toBe(true);
    expect(pipe.poll()?.exitCode).toBe(0);
  });

  it.each([
    ['a timeout', () => ({ timeout: 50 })],
    ['an abort', () => ({ signal: AbortSignal.timeout(50) })],
  ])('has what had come until %s in the error, and its caller, and gives it again', async (_how, options) => {
    const script = 'echo out; echo err >&2; exec sleep 1000';
    await using pipe = new AsyncPipe(popen(['sh', '-c', script], { stdout: 'pipe', stderr: 'pipe' }));
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

  it('feeds on from what yields piece by piece', async () => {
    await using pipe = start();
    const input = function* () {
      for (let i = 0; i < 16; i++) yield BIG.subarray(0, 65536);
    };
    await errorOf(pipe.communicate(input(), { timeout: 50 }));
    expect((await pipe.communicate())[0].length).toBe(6 + BIG.length);
  });

  it('takes no second input before the first is written', async () => {
    await using pipe = start();
    await errorOf(pipe.communicate(BIG, { timeout: 50 }));
    expect((await errorOf(pipe.communicate('more'))).code).toBe('ERR_AIOPIPE_BUSY');
    expect((await pipe.communicate())[0].length).toBe(6 + BIG.length);
  });

  it('may be left: close() drops what was not written', async () => {
    await using pipe = start();
    await errorOf(pipe.communicate(BIG, { timeout: 50 }));
    await pipe.close();
    expect((await errorOf(pipe.communicate('more'))).code).toBe('ERR_AIOPIPE_CLOSED');
  });
});
