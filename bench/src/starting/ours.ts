import { startProcess, target } from '@aiopipe/process';
import { popen } from '@aiopipe/subprocess';
import { runLaps, type Laps } from '../harness/laps.js';
import { PROGRAM, startAll, type Starting } from './starting.js';

const module = new URL('./nothing.js', import.meta.url);

/** Starts so many, until each one's end is known. */
export const startOurs = target(import.meta.url, 'startOurs', async (laps: Laps, spec: Starting) => {
  const start = {
    process: () => startProcess(module, { export: 'nothing' }).join(),
    program: () => popen([PROGRAM], { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' }).wait(),
  }[spec.what];
  await runLaps(laps, (amount) => startAll(amount, spec, start));
});
