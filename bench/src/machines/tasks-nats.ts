import { target } from '@aiopipe/process';
import { connect } from '@nats-io/transport-node';
import { type Laps } from '../harness/laps.js';
import { loginOf, startNats } from './services.js';
import { runOverMachines, type MachineTarget, type MachineWork } from './work.js';

const SUBJECT = 'echo';

const machine: MachineTarget = target(import.meta.url, 'natsMachine', async (port, _work, ready) => {
  const nc = await connect(loginOf(port));
  nc.subscribe(SUBJECT, { queue: 'machines', callback: (_, message) => void message.respond(message.data) });
  await nc.flush();
  await ready.put(true);
  await nc.closed();
});

/** NATS alone, request and reply: nothing is stored, and a task whose machine dies is lost. */
export const tasksNats = target(import.meta.url, 'tasksNats', async (laps: Laps, work: MachineWork) => {
  await runOverMachines(laps, work, await startNats(), machine, async (port) => {
    const nc = await connect(loginOf(port));
    return { run: (payload) => nc.request(SUBJECT, payload, { timeout: 60_000 }), close: () => nc.close() };
  });
});
