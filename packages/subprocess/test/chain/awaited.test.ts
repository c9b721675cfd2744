import { existsSync, readFileSync } from 'node:fs';
import { AbortError, aiopipe, ClosedError } from '@aiopipe/core';
import { $, pipeline, PipelineError } from '@aiopipe/subprocess';
import { errorOf, leakCheck, runFixture } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { inDirectory } from '../helpers.js';

afterAll(leakCheck());

describe('a chain that is awaited', () => {
  it('runs', () =>
    inDirectory(async (path) => {
      await $`touch ${path('one')}`;
      await pipeline(['touch', path('two')]);
      expect([existsSync(path('one')), existsSync(path('two'))]).toEqual([true, true]);
    }));

  it('gives what run() gives', async () => {
    const { stdout, stages } = await pipeline(['seq', '3'], ['tail', '-1']);
    expect([stdout, stages.length]).toEqual(['3\n', 2]);
    expect(await errorOf(Promise.resolve(pipeline(['false'])))).toBeInstanceOf(PipelineError);
  });

  it('runs once, however often it is awaited; each run() runs it anew', () =>
    inDirectory(async (path) => {
      const chain = pipeline(['sh', '-c', `echo x >>${path('log')}; echo out`]);
      const [one, other] = await Promise.all([chain, chain]);
      expect(await chain).toBe(one);
      expect(other).toBe(one);
      expect(readFileSync(path('log'), 'utf8')).toBe('x\n');
      await chain.run();
      expect(readFileSync(path('log'), 'utf8')).toBe('x\nx\n');
    }));

  it('is run by the return of an async function, too', async () => {
    const list = async () => Promise.resolve(pipeline(['echo', 'a']));
    expect((await list()).stdout).toBe('a\n');
  });

  it('has catch() and finally() as a promise has them', async () => {
    let isOver = false;
    const failure = await pipeline(['false'])
      .finally(() => (isOver = true))
      .catch((error: unknown) => error);
    expect([isOver, failure instanceof PipelineError]).toEqual([true, true]);
    expect(await pipeline(['false']).catch(() => 'caught')).toBe('caught');
  });

  it('rejects also if it cannot be started', async () => {
    const [rx, tx] = aiopipe();
    const chain = pipeline({ argv: ['true'], stderr: tx });
    tx.close();
    rx.close();
    expect(await chain.catch((error: unknown) => error)).toBeInstanceOf(ClosedError);
  });

  it('may be a stage of another, which runs it alone', () =>
    inDirectory(async (path) => {
      const inner = pipeline(['sh', '-c', `echo x >>${path('log')}; echo b; echo a`]);
      expect((await inner.pipe(['sort'])).stdout).toBe('a\nb\n');
      expect(readFileSync(path('log'), 'utf8')).toBe('x\n');
    }));
});

describe('a chain that is never run', () => {
  const lines = (text: string) => text.split('\n').filter((line) => line.includes('AIOPIPE_UNRUN'));

  it.each(['exit', 'end'])('has one warning that names its line, at the %s of the process', async (way) => {
    const { stderr, code } = await runFixture('drops-chains', { args: [way] });
    expect(code).toBe(0);
    expect(lines(stderr)).toHaveLength(3);
    for (const [index, chain] of ['dropped chain', 'dropped lines', 'kept chain'].entries()) {
      expect(lines(stderr)[index]).toMatch(
        new RegExp(`\`${chain}\` made at .*drops-chains\\S*:\\d+:\\d+ was never run`),
      );
    }
  });

  it('has a warning when it is collected', async () => {
    const { stderr } = await runFixture('drops-chains', { args: ['collect'], execArgv: ['--expose-gc'] });
    expect(lines(stderr)).toHaveLength(3);
  });

  it('is no news if its options were refused, or the chain was aborted before', async () => {
    const warnings: Error[] = [];
    const hear = (warning: Error) => warnings.push(warning);
    process.on('warning', hear);
    expect(() => pipeline(['true']).lines({ separator: '' })).toThrow(TypeError);
    expect(await errorOf(pipeline(['true']).run({ signal: AbortSignal.abort() }))).toBeInstanceOf(AbortError);
    process.emit('exit', 0);
    process.off('warning', hear);
    expect(warnings).toEqual([]);
  });
});
