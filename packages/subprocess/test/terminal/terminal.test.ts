import { existsSync } from 'node:fs';
import { AsyncPipe, popen } from '@aiopipe/subprocess';
import { fixtureArgv, leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';

afterAll(leakCheck());

const SCRIPT = '/usr/bin/script';

/** The fixture on a terminal of its own (script(1) makes one): types `keys` when it is ready, returns what it showed. */
async function onTerminal(keys: string, ...options: string[]): Promise<string[]> {
  await using script = popen([SCRIPT, '-qfec', [...fixtureArgv('reads-terminal'), ...options].join(' '), '/dev/null'], {
    stdin: 'pipe',
    stdout: 'pipe',
  });
  const terminal = new AsyncPipe(script);
  const shown: string[] = [];
  for (;;) {
    const line = String(await terminal.readLine()).trim();
    if (line === '') throw new Error(`it ended after ${shown.join()}`);
    if (line === 'over') break;
    if (line === 'ready') await terminal.write(keys, { full: true });
    else shown.push(line);
  }
  await script.wait();
  return shown;
}

describe.skipIf(!existsSync(SCRIPT))('a chain that inherits a terminal (needs script(1))', () => {
  it('stays in our process group and can read it', async () => {
    const [isTerminal, group, ours, echo, ...rest] = await onTerminal('typed\n');
    expect(isTerminal).toBe('terminal: true');
    expect(group).toBe(ours);
    expect([echo, ...rest]).toEqual(['typed', 'came: typed', 'sh,cat']);
  });

  it('is ended by Ctrl-C', async () => {
    const [, , , ...rest] = await onTerminal('\x03');
    // The second may see the end of its input first.
    expect(rest.join(' ')).toMatch(/ended by: SIGINT,(SIGINT)? left: 0$/);
  });

  it('is ended by a timeout, program by program', async () => {
    // The timeout may pass before the programs have shown anything.
    const shown = await onTerminal('', 'timeout');
    expect(shown.slice(-2)).toEqual(['ended by: ERR_AIOPIPE_TIMEOUT', 'left: 0']);
  });
});
