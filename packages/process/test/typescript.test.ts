import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { Prefork, startProcess } from '@aiopipe/process';
import { leakCheck } from '@aiopipe/testing';
import { errorOf } from './helpers.js';

afterAll(leakCheck());

const program = fileURLToPath(new URL('./typescript/program.ts', import.meta.url));
const worker = new URL('./typescript/worker.ts', import.meta.url);
const knowsTypeScript = Boolean((process.features as { typescript?: unknown }).typescript);

async function run(execArgv: string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  return (await promisify(execFile)(process.execPath, [...execArgv, program], { env })).stdout;
}

describe('a target in TypeScript runs', () => {
  test('if the program’s loader is inherited', async () => {
    expect(await run(['--import', 'tsx'])).toBe('by target, by url\n');
  });

  test('if the loader stands in NODE_OPTIONS', async () => {
    expect(await run([], { ...process.env, NODE_OPTIONS: '--import=tsx' })).toBe('by target, by url\n');
  });

  test.runIf(knowsTypeScript)('if Node knows it', async () => {
    expect(await run([])).toBe('by target, by url\n');
  });
});

test.skipIf(knowsTypeScript)('a Node that does not know TypeScript says so, and what to do', async () => {
  const child = startProcess(worker, { export: 'answer', args: [{ words: [] }] });
  const error = await errorOf(child.result);
  expect(error.code).toBe('ERR_AIOPIPE_START');
  expect(error.message).toContain(fileURLToPath(worker));
  expect(error.message).toContain('--import tsx');
  await child.join().catch(() => undefined);
  await using prefork = new Prefork({ preload: [worker] });
  expect((await errorOf(prefork.ready())).message).toContain('--import tsx');
});
