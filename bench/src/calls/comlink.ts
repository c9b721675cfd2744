import { MessageChannel, Worker } from 'node:worker_threads';
import { target } from '@aiopipe/process';
import { wrap, type Endpoint } from 'comlink';
import { type Laps } from '../harness/laps.js';
import { driveCalls, type adder, type Calling } from './calling.js';

/** As `callsOurs`, with a thread instead of a process. */
export const callsComlink = target(import.meta.url, 'callsComlink', async (laps: Laps, spec: Calling) => {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(new URL('./comlink-partner.js', import.meta.url), {
    workerData: port2,
    transferList: [port2],
  });
  const remote = wrap<typeof adder>(port1 as unknown as Endpoint);
  await driveCalls(laps, spec, (a, b) => remote.add(a, b));
  port1.close();
  await worker.terminate();
});
