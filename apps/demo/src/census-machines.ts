import { Cluster, type ClusterPool } from '@aiopipe/nats';
import { Supervisor, type ChildError, type ChildSpec, type ProcessHandle } from '@aiopipe/process';
import { connect } from '@nats-io/transport-node';
import { type CensusEvents, type CensusWorkersOptions } from './census-workers.js';
import { anyOf, Chaos } from './chaos.js';
import {
  CLUSTER,
  EXAMINE,
  censusMachine,
  type examineFile,
  type MachineAnswer,
  type MachineOptions,
} from './machine.js';
import { NatsServer, type Login } from './nats-server.js';

/** Files that are asked for at once, for each worker: enough that it never waits for the next. */
const WINDOW = 8;
/** A file that brings down so many workers is skipped. */
const MAX_CRASHES = 3;
/** Machines that may die within a minute besides those that chaos or a person kills. More: something is wrong with all of them. */
const MAX_DEATHS = 10;
/** Machines that a person can kill in the page within a minute. */
const MAX_KILLS_BY_HAND = 100;

export interface CensusMachinesOptions extends CensusWorkersOptions {
  readonly machines: number;
}

/** What is known of a machine. */
interface Standing {
  process: ProcessHandle | undefined;
  /** Files that it has counted, in all its lives. */
  files: number;
  /** Whether it has answered since its last start. */
  isAtWork: boolean;
}

/**
 * Machines that share one list of files, over a NATS server: processes that know nothing of each other. Each is restarted if it
 * dies, as a service manager would do; its tasks go to the others when their lease ends.
 */
export class CensusMachines {
  readonly #options: CensusMachinesOptions;
  readonly #events: CensusEvents;
  readonly #chaos: Chaos;
  readonly #mostKills: number;
  readonly #machines: ReadonlyMap<string, Standing>;
  #left = 0;
  restarts = 0;

  constructor(options: CensusMachinesOptions, events: CensusEvents) {
    this.#options = options;
    this.#events = events;
    this.#chaos = new Chaos(options.chaos);
    this.#mostKills = options.chaos + (options.web ? MAX_KILLS_BY_HAND : 0);
    const names = Array.from({ length: options.machines }, (_, index) => `machine-${String(index + 1)}`);
    this.#machines = new Map(names.map((name) => [name, { process: undefined, files: 0, isAtWork: false }]));
  }

  /** Resolves when every file of the list has been reported or skipped, and nothing that was started is left. */
  async work(paths: AsyncIterable<string>, signal: AbortSignal): Promise<void> {
    await using server = await NatsServer.start();
    const files: string[] = [];
    for await (const path of paths) files.push(path);
    this.#left = files.length;
    signal.throwIfAborted();
    const serverEnded = server.ended();
    serverEnded.catch(() => undefined);
    const nc = await connect({ ...server.login, maxReconnectAttempts: -1 });
    try {
      await using cluster = await Cluster.open(nc, CLUSTER);
      await using supervisor = this.#supervise(server.login);
      void supervisor.start();
      const retries = MAX_CRASHES - 1 + this.#mostKills;
      const pool = cluster.pool<typeof examineFile>(EXAMINE).with({ signal, retries });
      await Promise.race([this.#examineAll(files, pool), supervisor.finished, serverEnded]);
    } finally {
      await nc.close();
    }
  }

  #supervise(login: Login): Supervisor {
    const { workers, directory } = this.#options;
    const supervisor = new Supervisor(
      [...this.#machines.keys()].map((name): ChildSpec<[Login, MachineOptions]> => ({
        id: name,
        target: censusMachine,
        args: [login, { name, workers, directory }],
      })),
      { intensity: this.#mostKills + MAX_DEATHS, period: 60_000 },
    );
    supervisor.on('started', ({ id, process }) => {
      const machine = this.#machines.get(id);
      if (machine !== undefined) machine.process = process;
    });
    supervisor.on('exited', ({ id, willRestart }) => {
      const machine = this.#machines.get(id);
      if (machine !== undefined) Object.assign(machine, { process: undefined, isAtWork: false });
      if (willRestart) this.restarts++;
    });
    return supervisor;
  }

  /** Asks for some files at once. The cluster decides which machine gets each. */
  async #examineAll(files: readonly string[], pool: ClusterPool<[string, string], MachineAnswer>): Promise<void> {
    const { machines, workers, pattern } = this.#options;
    const left = files.values();
    const lane = async (): Promise<void> => {
      for (const path of left) {
        try {
          this.#take(path, await pool.run(path, pattern));
        } catch (error) {
          if ((error as Partial<ChildError>).code !== 'ERR_AIOPIPE_NO_RESULT') throw error;
          this.#events.skipped(path, `${String(MAX_CRASHES)} workers died at it`);
        }
        this.#left--;
        this.#causeChaos();
      }
    };
    await Promise.all(Array.from({ length: machines * workers * WINDOW }, lane));
  }

  #take(path: string, { machine: name, found }: MachineAnswer): void {
    const machine = this.#machines.get(name);
    if (machine !== undefined) {
      machine.files++;
      machine.isAtWork = true;
    }
    if (typeof found === 'string') {
      this.#events.skipped(path, found);
      return;
    }
    this.#events.report(found);
    this.#events.progress(found.bytes);
  }

  /** Kills a machine. Its workers die with it, as all children of a dead process do. */
  #causeChaos(): void {
    if (this.#left === 0 || !this.#chaos.isDue(this.#left)) return;
    const victim = anyOf([...this.#machines.values()].filter(({ isAtWork }) => isAtWork));
    if (victim?.process?.kill('SIGKILL') !== true) return;
    victim.isAtWork = false;
    this.#chaos.kills++;
  }

  get kills(): number {
    return this.#chaos.kills;
  }

  /** How many machines run. */
  get running(): number {
    return [...this.#machines.values()].filter(({ process }) => process !== undefined).length;
  }

  /** The files that each machine has counted. */
  get shares(): { readonly name: string; readonly files: number }[] {
    return [...this.#machines].map(([name, { files }]) => ({ name, files }));
  }
}
