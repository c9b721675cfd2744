import { writeFileSync } from 'node:fs';
import { pipeline, type Progress, type StageInput } from '@aiopipe/subprocess';
import { childPids, commandOf, leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { inDirectory, whatIsThere } from '../helpers.js';

afterAll(leakCheck());

describe('onProgress', () => {
  it('tells how many bytes went through each stage, and how fast', async () => {
    const reports: Progress[] = [];
    const enough = new AbortController();
    const onProgress = (progress: Progress) => {
      // While the chain ends, nothing need move.
      if (enough.signal.aborted) return;
      reports.push(progress);
      if (progress.stages.every(({ bytesRead = 0 }) => bytesRead > 10_000_000)) enough.abort();
    };
    const same = async function* same(input: StageInput) {
      yield* input;
    };
    await expect(
      pipeline(['cat'], same, ['cat']).run({
        input: { file: '/dev/zero' },
        output: 'ignore',
        onProgress,
        progressInterval: 10,
        signal: enough.signal,
      }),
    ).rejects.toMatchObject({ code: 'ABORT_ERR' });
    const last = reports.at(-1) as Progress;
    expect(last.stages.map(({ name }) => name)).toEqual(['cat', 'same', 'cat']);
    expect(last.elapsed).toBeGreaterThan(0);
    expect(last.input).toBeUndefined();
    for (const { bytesWritten = 0, readRate = 0, writeRate = 0 } of last.stages) {
      expect(bytesWritten).toBeGreaterThan(1_000_000);
      expect(readRate + writeRate).toBeGreaterThan(0);
    }
  });

  it('tells where the first program is in its file', () =>
    inDirectory(async (path) => {
      writeFileSync(path('file'), Buffer.alloc(1000));
      const enough = new AbortController();
      let seen: Progress | undefined;
      const onProgress = (progress: Progress) => {
        if (progress.input?.position !== 300) return;
        seen = progress;
        enough.abort();
      };
      const running = pipeline(['sh', '-c', 'dd bs=300 count=1 status=none; exec sleep 1000']).run({
        input: { file: path('file') },
        onProgress,
        progressInterval: 5,
        signal: enough.signal,
      });
      await expect(running).rejects.toMatchObject({ code: 'ABORT_ERR' });
      expect(seen?.input).toEqual({ position: 300, size: 1000 });
    }));

  it('keeps what was last seen of a program that has ended', async () => {
    const enough = new AbortController();
    const before: (number | undefined)[] = [];
    const after: (number | undefined)[] = [];
    const onProgress = ({ stages }: Progress) => {
      const runs = childPids().some((pid) => commandOf(pid).join(' ').endsWith('sleep 0.05'));
      (runs ? before : after).push(stages[0]?.bytesRead);
      if (after.length === 3) enough.abort();
    };
    const options = { onProgress, progressInterval: 20, signal: enough.signal };
    await expect(pipeline(['sh', '-c', 'sleep 0.05'], ['sleep', '1000']).run(options)).rejects.toThrow();
    const [last] = after;
    expect(new Set(after)).toEqual(new Set([last]));
    for (const bytes of before) expect(bytes).toBeLessThanOrEqual(last as number);
  });

  it('that throws ends the chain', async () => {
    const { children } = whatIsThere();
    const reason = new Error('no');
    const onProgress = () => {
      throw reason;
    };
    await expect(pipeline(['sleep', '1000']).run({ onProgress, progressInterval: 1 })).rejects.toMatchObject({
      code: 'ERR_AIOPIPE_PIPELINE',
      message: expect.stringMatching(/onProgress: Error: no/),
      cause: reason,
    });
    expect(children()).toEqual([]);
  });

  it('that throws is called no more, however long the chain takes to end', async () => {
    const deaf = () => childPids().find((pid) => commandOf(pid).join(' ') === 'sleep 1000');
    const progressInterval = 5;
    let calls = 0;
    const onProgress = () => {
      if (deaf() === undefined) return;
      calls++;
      throw new Error('no');
    };
    const failing = pipeline(['sh', '-c', 'trap "" TERM; exec sleep 1000']).run({ onProgress, progressInterval });
    // The reports of another chain tell that the failed one would have been called again.
    const enough = new AbortController();
    let later = 0;
    const other = pipeline(['sleep', '2000']).run({
      onProgress: () => {
        if (calls === 0 || ++later !== 3) return;
        process.kill(deaf() as number, 'SIGKILL');
        enough.abort();
      },
      progressInterval,
      signal: enough.signal,
    });
    await Promise.all([
      expect(failing).rejects.toThrow(/onProgress: Error: no/),
      expect(other).rejects.toMatchObject({ code: 'ABORT_ERR' }),
    ]);
    expect(calls).toBe(1);
  });

  it('that rejects ends the chain', async () => {
    const reason = new Error('no');
    const onProgress = () => Promise.reject(reason);
    await expect(pipeline(['sleep', '1000']).run({ onProgress, progressInterval: 1 })).rejects.toMatchObject({
      code: 'ERR_AIOPIPE_PIPELINE',
      cause: reason,
    });
  });

  it('refuses bad values', async () => {
    await expect(pipeline(['cat']).run({ onProgress: 5 as never })).rejects.toThrow(/onProgress/);
    await expect(pipeline(['cat']).run({ progressInterval: 0 })).rejects.toThrow(/progressInterval/);
  });
});
