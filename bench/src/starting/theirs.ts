import { fork, spawn, type ChildProcess } from 'node:child_process';
import { target } from '@aiopipe/process';
import { runLaps, type Laps } from '../harness/laps.js';
import { PROGRAM, startAll, type Starting } from './starting.js';

const script = new URL('./nothing.js', import.meta.url);

/** As `startOurs`, with node:child_process. */
export const startTheirs = target(import.meta.url, 'startTheirs', async (laps: Laps, spec: Starting) => {
  const start = {
    process: () => ended(fork(script, { execArgv: [] })),
    program: () => ended(spawn(PROGRAM, { stdio: 'ignore' })),
  }[spec.what];
  await runLaps(laps, (amount) => startAll(amount, spec, start));
});

function ended(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.on('exit', resolve).on('error', reject);
  });
}
