import { EventLog } from '../log/event-log.js';
import { Chains } from './chains.js';
import { Channels } from './channels.js';
import { Clusters } from './clusters.js';
import { Pools } from './pools.js';
import { Processes } from './processes.js';
import { Supervisors } from './supervisors.js';

const log = new EventLog();
const chains = new Chains(log);

/** What this thread has opened since this module was loaded, and what has happened to it. */
export const watched = {
  log,
  chains,
  processes: new Processes(log, (pid) => chains.holds(pid)),
  supervisors: new Supervisors(log),
  pools: new Pools(log),
  channels: new Channels(),
  clusters: new Clusters(log),
};
