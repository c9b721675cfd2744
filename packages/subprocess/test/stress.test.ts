import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { OutputTooLongError, pipeline } from '@aiopipe/subprocess';
import { childPids, fixtureArgv, leakCheck, runFixture, until } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { whatIsThere } from './helpers.js';
import type { Attempt } from './fixtures/start-without-fds.js';
import type { FlowCost } from './fixtures/flow-through.js';

afterAll(leakCheck());

const MiB = 1024 * 1024;

/** The bytes that the process has written so far. */
const bytesWritten = (pid: number) =>
  Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${String(pid)}/io`, 'utf8'))?.[1]);

const nameOf = (pid: number) => readFileSync(`/proc/${String(pid)}/comm`, 'utf8').trim();

/** Warnings of this process while `callback` runs: of too many listeners, say. */
async function warningsDuring(callback: () => Promise<void>): Promise<string[]> {
  const warnings: string[] = [];
  const note = (warning: Error) => warnings.push(String(warning));
  process.on('warning', note);
  await callback();
  process.off('warning', note);
  return warnings;
}

describe('many chains', () => {
  it('1000 in a row, with one signal for all, leave no fd, no process and no warning', async () => {
    const { fds, children } = whatIsThere();
    const { signal } = new AbortController();
    const warnings = await warningsDuring(async () => {
      for (let i = 0; i < 1000; i++) await pipeline(['true'], ['true']).run({ signal });
    });
    expect([fds(), children(), warnings]).toEqual([[], [], []]);
  });

  it('100 at once, with one signal for all, keep apart and leave no fd, no process and no warning', async () => {
    const { fds, children } = whatIsThere();
    const { signal } = new AbortController();
    const sizes = Array.from({ length: 100 }, (_, i) => 100_000 + i);
    const warnings = await warningsDuring(async () => {
      const results = await Promise.all(
        sizes.map((size) => pipeline(['cat'], ['wc', '-c']).run({ input: Buffer.alloc(size), signal })),
      );
      expect(results.map(({ stdout }) => Number(stdout))).toEqual(sizes);
    });
    expect([fds(), children(), warnings]).toEqual([[], [], []]);
  });
});

describe('what goes through a chain', () => {
  it('costs this process next to no memory and no time', async () => {
    const { stdout, stderr } = await runFixture('flow-through', {
      args: [String(1024 * MiB)],
      execArgv: ['--expose-gc'],
    });
    expect(stderr).toBe('');
    const { counted, rssGrowth, ownTime, programsTime } = JSON.parse(stdout) as FlowCost;
    expect(counted).toBe(1024 * MiB);
    expect(rssGrowth).toBeLessThan(8 * MiB);
    // Bytes that went through this process would cost it about as much as the programs. A start costs more on a busy machine.
    expect(ownTime / programsTime).toBeLessThan(0.1);
  });

  it('stops at its source while no lines are taken', async () => {
    const others = new Set(childPids());
    const lines = pipeline(['yes', 'a line'], ['cat'], ['cat']).lines();
    await lines.next();
    const programs = childPids().filter((pid) => !others.has(pid));
    const source = programs.find((pid) => nameOf(pid) === 'yes') as number;

    let before = -1;
    await until('the source has stopped', async () => {
      const written = bytesWritten(source);
      const hasStopped = written === before;
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return hasStopped && bytesWritten(source) === written;
    });
    // Three pipes, the buffers of two programs and one read of ours hold this much.
    expect(before).toBeLessThan(MiB);

    for (let i = 0; i < 200_000; i++) await lines.next();
    expect(bytesWritten(source)).toBeGreaterThan(before);
    await lines.return();
  });

  it('ends at maxOutput with an error that has every byte until there', async () => {
    const failed = pipeline(['yes'], ['cat'], ['cat']).run({ maxOutput: 10 * MiB, encoding: 'buffer' });
    await expect(failed).rejects.toThrow(OutputTooLongError);
    const { stdout } = (await failed.catch((error: unknown) => error)) as OutputTooLongError;
    expect(Buffer.compare(stdout as Buffer, Buffer.alloc(10 * MiB, 'y\n'))).toBe(0);
  });
});

describe('a chain that cannot start, because no descriptors are free', () => {
  it('leaves no descriptor and no process, at any point of the start', async () => {
    const node = `ulimit -n 64; exec "$@"`;
    const { stdout } = await promisify(execFile)('sh', ['-c', node, 'sh', ...fixtureArgv('start-without-fds')]);
    const attempts = JSON.parse(stdout) as Attempt[];
    expect(attempts.length).toBeGreaterThan(5);
    expect(attempts.pop()?.code).toBe('success');
    for (const attempt of attempts) expect(attempt).toEqual({ code: 'EMFILE', leftBehind: [] });
  });
});

it('an extra fd above the limit of open files stops the start, and the error names the limit', async () => {
  const node = `ulimit -n 256; exec "$@"`;
  const { stdout } = await promisify(execFile)('sh', ['-c', node, 'sh', ...fixtureArgv('needs-a-high-fd')]);
  expect(stdout).toMatch(/^EMFILE cannot start "true".*raise `ulimit -n`/);
});
