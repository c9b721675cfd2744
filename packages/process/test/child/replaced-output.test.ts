import { startProcess } from '@aiopipe/process';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { replace } from '../fixtures/replaces-output.js';

afterAll(leakCheck());

describe('a child ends, with all of its output written, if its target has replaced', () => {
  test.each(['write()', '_write() and _writev()', 'process.stdout', 'process.exit()', 'uncork(), corked before'])(
    '%s',
    async (what) => {
      const child = startProcess(replace, { args: [what], stdout: 'pipe' });
      const output = await child.stdout?.open().read();
      expect(output?.toString().match(/^x*/)?.[0]).toHaveLength(3_000_000);
      expect(await child.join({ timeout: 20_000 })).toEqual({ exitCode: 0, signalCode: null });
      child.close();
    },
  );
});
