import { Cluster, type ClusterOptions } from '@aiopipe/nats';
import { target } from '@aiopipe/process';
import { connect } from '@nats-io/transport-node';
import { examine } from './examine.js';
import { type FileReport } from './file-report.js';
import { type Login } from './nats-server.js';
import { compilePattern } from './pattern.js';

/** A dead machine's tasks go to others after the lease. The store ends with the census, so memory will do. */
export const CLUSTER: ClusterOptions = { name: 'census', lease: 2000, storage: 'memory' };
export const EXAMINE = 'examine';

/** The environment variable of a machine's workers that has its name. */
const NAME = 'CENSUS_MACHINE';
/** Workers of one machine that may die within five seconds: a file that kills them is tried again somewhere. */
const MOST_DEATHS = 100;

/** A machine's answer for one file. */
export interface MachineAnswer {
  readonly machine: string;
  /** The report, or the reason why there is none. */
  readonly found: FileReport | string;
}

export interface MachineOptions {
  readonly name: string;
  readonly workers: number;
  readonly directory: string;
}

/** Runs in a worker of a machine. */
export const examineFile = target(
  import.meta.url,
  'examineFile',
  async (path: string, pattern: string): Promise<MachineAnswer> => ({
    machine: process.env[NAME] ?? '',
    found: await examine(path, compilePattern(pattern)),
  }),
);

/** A machine: a process with a connection and a pool of its own. It serves until it is killed, which may be at any time. */
export const censusMachine = target(
  import.meta.url,
  'censusMachine',
  async (login: Login, { name, workers, directory }: MachineOptions): Promise<void> => {
    const nc = await connect({ ...login, maxReconnectAttempts: -1 });
    const cluster = await Cluster.open(nc, CLUSTER);
    await cluster.serve(
      { [EXAMINE]: examineFile },
      {
        name,
        size: workers,
        intensity: MOST_DEATHS,
        options: { cwd: directory, env: { ...process.env, [NAME]: name } },
      },
    );
    await nc.closed();
  },
);
