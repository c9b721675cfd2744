import { fork } from 'node:child_process';
import { once } from 'node:events';
import { target } from '@aiopipe/process';
import { type Laps } from '../harness/laps.js';
import { runLoad } from './load.js';
import { type Serving } from './ours.js';

/** The policy that does the same: the primary process accepts and hands on, or the workers accept. */
const policies = { moved: 'rr', shared: 'none' };

export const serversCluster = target(import.meta.url, 'serversCluster', async (laps: Laps, spec: Serving) => {
  const primary = fork(new URL('./cluster-primary.js', import.meta.url), [String(spec.workers)], {
    env: { ...process.env, NODE_CLUSTER_SCHED_POLICY: policies[spec.way] },
    execArgv: [],
  });
  const [port] = (await once(primary, 'message')) as [number];
  await runLoad(laps, spec, port);
  primary.disconnect();
  await once(primary, 'exit');
});
