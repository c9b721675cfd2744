import { startProcess } from '@aiopipe/process';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { names, replace } from '../fixtures/replaces-output.js';

afterAll(leakCheck());

describe('a child ends, with all of its output written, if its target has replaced', () => {
  test.each(names)('%s', async (what) => {
    const child = startProcess(replace, { args: [what], stdout: 'pipe', stderr: 'pipe' });
    const outputs = await Promise.all([child.stdout?.open().read(), child.stderr?.open().read()]);
    for (const output of outputs) expect(output?.toString().match(/^x*/)?.[0]).toHaveLength(3_000_000);
    expect(await child.join({ timeout: 20_000 })).toEqual({ exitCode: 0, signalCode: null });
    child.close();
  });
});
