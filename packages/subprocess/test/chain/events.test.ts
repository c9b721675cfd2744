import { type ProcessStart } from '@aiopipe/core';
import { pipeline, type PipelineRun } from '@aiopipe/subprocess';
import { errorOf, leakCheck, observeTraced } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';

afterAll(leakCheck());

const ALL = ['start', 'end', 'asyncStart', 'asyncEnd'];
const FAILED = ['start', 'end', 'error', 'asyncStart', 'asyncEnd'];

describe('aiopipe:pipeline.run', () => {
  it('tells of a chain and its stages, around the starts of its programs', async () => {
    using runs = observeTraced<PipelineRun>('aiopipe:pipeline.run');
    using starts = observeTraced<ProcessStart>('aiopipe:process.start');
    const order: string[] = [];
    const note = () => order.push(`${String(runs.published.length)}/${String(starts.published.length)}`);
    await pipeline(
      ['echo', 'x'],
      async function* (input) {
        note();
        yield* input;
      },
      ['cat'],
    ).run();
    expect(runs.events()).toEqual(ALL);
    const run = runs.published[0]?.message;
    expect(run?.chain).toMatch(/^echo x \| .* \| cat$/);
    expect(run?.stages.map(({ name }) => name)).toEqual(['echo', expect.any(String), 'cat']);
    expect(run?.stages[0]?.result).toMatchObject({ exitCode: 0, argv: ['echo', 'x'] });
    // Both programs were started before the function ran, and no later.
    expect(order).toEqual(['2/4']);
  });

  it.each([
    ['fails', () => pipeline(['sh', '-c', 'exit 3'], ['cat']).run(), 'ERR_AIOPIPE_PIPELINE'],
    ['is aborted', () => pipeline(['sleep', '100']).run({ timeout: 20 }), 'ERR_AIOPIPE_TIMEOUT'],
    ['cannot be started', () => pipeline(['true'], ['no-such-program']).run(), 'ENOENT'],
  ])('tells the error of a chain that %s', async (_name, run, code) => {
    using runs = observeTraced<PipelineRun>('aiopipe:pipeline.run');
    const error = await errorOf(run());
    expect(error).toMatchObject({ code });
    expect(runs.published.find(({ event }) => event === 'error')?.message.error).toMatchObject({ code });
    expect(runs.events().at(-1)).toBe('asyncEnd');
  });

  it('takes a reader that leaves early for a success', async () => {
    using runs = observeTraced<PipelineRun>('aiopipe:pipeline.run');
    for await (const line of pipeline(['yes']).lines()) if (line === 'y') break;
    expect(runs.events()).toEqual(ALL);
  });

  it('tells of lines, too, and of their failure', async () => {
    using runs = observeTraced<PipelineRun>('aiopipe:pipeline.run');
    for await (const line of pipeline(['echo', 'x']).lines()) expect(line).toBe('x');
    const failing = (async () => {
      for await (const line of pipeline(['sh', '-c', 'echo x; exit 3']).lines()) expect(line).toBe('x');
    })();
    await errorOf(failing);
    expect(runs.events()).toEqual([...ALL, ...FAILED]);
  });
});
