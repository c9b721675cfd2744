import { channel, expose, proxy, type Channel } from '@aiopipe/codec';
import { startProcess, target } from '@aiopipe/process';
import { type Laps } from '../harness/laps.js';
import { adder, driveCalls, type Calling } from './calling.js';

/** Calls from this process to the one below. */
export const callsOurs = target(import.meta.url, 'callsOurs', async (laps: Laps, spec: Calling) => {
  using pair = channel({ duplex: true });
  const [ours, theirs] = pair;
  startProcess(server, { args: [theirs] });
  const remote = proxy<typeof adder>(ours);
  await driveCalls(laps, spec, (a, b) => remote.add(a, b));
});

const server = target(import.meta.url, 'server', async (channel: Channel) => {
  await expose(channel, adder).closed;
});
