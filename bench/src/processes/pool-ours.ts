import { Pool, target } from '@aiopipe/process';
import { type Laps } from '../harness/laps.js';
import { runTasks, type PoolWork } from './work.js';

const echo = target(import.meta.url, 'echo', (payload?: Buffer) => payload);

export const poolOurs = target(import.meta.url, 'poolOurs', async (laps: Laps, work: PoolWork) => {
  const pool = new Pool(echo, { size: work.workers, spin: work.spin });
  await runTasks(laps, work, {
    run: (payload) => (payload === undefined ? pool.run() : pool.run(payload)),
    close: () => pool.close(),
  });
});
