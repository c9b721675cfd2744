import { Cluster } from '@aiopipe/nats';
import { target } from '@aiopipe/process';
import { connect } from '@nats-io/transport-node';
import { type Laps } from '../harness/laps.js';
import { loginOf, startNats } from './services.js';
import { runOverMachines, type MachineTarget, type MachineWork } from './work.js';

const NAME = { name: 'bench' };

const echo = target(import.meta.url, 'clusterEcho', (payload?: Buffer) => payload);

const machine: MachineTarget = target(import.meta.url, 'clusterMachine', async (port, { workers, prefetch }, ready) => {
  const nc = await connect(loginOf(port));
  const cluster = await Cluster.open(nc, NAME);
  await cluster.serve({ echo }, { size: workers, prefetch });
  await ready.put(true);
  await nc.closed();
});

export const tasksOurs = target(import.meta.url, 'tasksOurs', async (laps: Laps, work: MachineWork) => {
  await runOverMachines(laps, work, await startNats(), machine, async (port) => {
    const nc = await connect(loginOf(port));
    const cluster = await Cluster.open(nc, NAME);
    const pool = cluster.pool<typeof echo>('echo');
    return {
      run: (payload) => (payload === undefined ? pool.run() : pool.run(payload)),
      close: async () => {
        await cluster[Symbol.asyncDispose]();
        await nc.close();
      },
    };
  });
});
