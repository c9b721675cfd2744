import { fork } from 'node:child_process';
import { target } from '@aiopipe/process';
import { createBirpc } from 'birpc';
import { type Laps } from '../harness/laps.js';
import { driveCalls, type adder, type Calling } from './calling.js';

/** As `callsOurs`, over `process.send()`. */
export const callsBirpc = target(import.meta.url, 'callsBirpc', async (laps: Laps, spec: Calling) => {
  const child = fork(new URL('./birpc-partner.js', import.meta.url), { execArgv: [] });
  const remote = createBirpc<typeof adder>(
    {},
    { post: (data) => child.send(data as object), on: (listener) => child.on('message', listener) },
  );
  await driveCalls(laps, spec, (a, b) => remote.add(a, b));
  child.disconnect();
});
