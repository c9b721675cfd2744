import { aioduplex, aiopipe } from '@aiopipe/core';
import { popen } from '@aiopipe/subprocess';
import { fixtureArgv, leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';

afterAll(leakCheck());

/** Returns the output of the fixture that shares `stdin`. */
async function modes(stdin: Parameters<typeof popen>[1]): Promise<string> {
  const program = popen(fixtureArgv('shares-its-stdin'), { ...stdin, stdout: 'pipe' });
  await using reader = program.stdout.open();
  const output = String(await reader.read());
  await program.wait();
  return output;
}

describe.runIf(process.platform === 'linux')(
  'a program that inherits a stdin which we read gets one that blocks',
  () => {
    it('and a pipe stays as it is for us', async () => {
      const [rx, tx] = aiopipe();
      expect(await modes({ stdin: rx })).toBe('true,false,false,true,true');
      tx.close();
    });

    it('and a socket is as before when the last of such programs has ended', async () => {
      const [ours, theirs] = aioduplex();
      expect(await modes({ stdin: theirs })).toBe('true,false,false,false,true');
      ours.close();
    });
  },
);
