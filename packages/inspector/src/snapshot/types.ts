/**
 * A program, as it is at one moment. All of it is plain data that `JSON.stringify()` can write.
 *
 * @example
 * ```ts
 * import { snapshot } from '@aiopipe/inspector';
 * import { isChild, Pool, Supervisor, target } from '@aiopipe/process';
 *
 * export const square = target(import.meta.url, 'square', (n: number) => n * n);
 * export const wait = target(import.meta.url, 'wait', () => new Promise(() => setInterval(() => {}, 1000)));
 *
 * if (!isChild()) {
 *   await using pool = new Pool(square, { size: 1 });
 *   await using supervisor = new Supervisor([{ id: 'web', target: wait }]);
 *   await supervisor.start();
 *   await pool.run(5);
 *   const { program, processes, supervisors, pools } = snapshot();
 *   console.log(program.pid === process.pid, processes.map(({ name }) => name).sort());
 *   for (const { children } of supervisors) console.log(children.map(({ id, state }) => `${id} ${state}`));
 *   for (const { title, workers } of pools) console.log(title, workers.map(({ name, tasks }) => `${name} ${tasks}`));
 * }
 * ```
 * ```text
 * true [ 'square-1', 'web' ]
 * [ 'web running' ]
 * the pool of square [ 'square-1 1' ]
 * ```
 */
export interface Snapshot {
  /** When, as `Date.now()` counts: all times are such. */
  readonly time: number;
  readonly program: ProgramSnapshot;
  /** The processes that this process has started, and those below them. */
  readonly processes: readonly ProcessSnapshot[];
  /** The supervisors that no other one has started. */
  readonly supervisors: readonly SupervisorSnapshot[];
  readonly pools: readonly PoolSnapshot[];
  /** The ends of channels that are open in this process. Those that carry tasks and results of children are not listed. */
  readonly channels: readonly ChannelSnapshot[];
  /** The chains of programs that run. */
  readonly chains: readonly ChainSnapshot[];
  /** The clusters of many machines that this process has opened, with `@aiopipe/nats`. */
  readonly clusters: readonly ClusterSnapshot[];
}

/**
 * This process.
 *
 * @see the example of {@link Snapshot}
 */
export interface ProgramSnapshot {
  readonly pid: number;
  /** As it was started, without the runtime's own options. */
  readonly command: string;
  readonly nodeVersion: string;
  readonly startedAt: number;
  /** Processor time in milliseconds since its start. */
  readonly cpuTime: number;
  /** Its resident set, in bytes. */
  readonly memory: number;
  /**
   * How long its event loop has been busy and has waited since its start, in milliseconds. It is undefined before the loop's first
   * turn, and on Bun and Deno, which do not measure it.
   */
  readonly eventLoop: { readonly busy: number; readonly idle: number } | undefined;
}

/**
 * A process below this one. `child`: started on a target. `prefork`: waits for a target. `program`: started by `popen()` or a
 * chain. `other`: started by a process below this one, or by other means. These are listed if the system has `/proc`.
 *
 * @see the example of {@link Snapshot}
 */
export interface ProcessSnapshot {
  readonly pid: number;
  readonly parent: number;
  readonly kind: 'child' | 'prefork' | 'program' | 'other';
  readonly name: string;
  /** Its first 200 characters. */
  readonly command: string;
  /** The function that a child calls, and the file of its module. */
  readonly target: string | undefined;
  /** `starting`: its function is not called yet. `stopped`: by a signal such as SIGSTOP. `zombie`: its parent has not taken note of its end. */
  readonly state: 'starting' | 'running' | 'stopped' | 'zombie';
  readonly startedAt: number;
  /** Processor time in milliseconds, of the process alone; undefined without `/proc`. */
  readonly cpuTime: number | undefined;
  /** Its resident set, in bytes; undefined without `/proc`. */
  readonly memory: number | undefined;
}

/**
 * A supervisor.
 *
 * @see the example of {@link Snapshot}
 */
export interface SupervisorSnapshot {
  /** Unique among the supervisors of this process, as those of the other lists are among theirs. */
  readonly number: number;
  readonly startedAt: number;
  readonly children: readonly SupervisedSnapshot[];
}

/**
 * A child of a supervisor.
 *
 * @see the example of {@link Snapshot}
 */
export interface SupervisedSnapshot {
  readonly id: string;
  readonly type: 'worker' | 'supervisor';
  /** `starting`: not ready yet. `restarting`: waits for its restart. `stopped`: does not run, and will not by itself. */
  readonly state: 'starting' | 'running' | 'restarting' | 'stopped';
  /** Undefined if it is a supervisor, or was never started. */
  readonly pid: number | undefined;
  /** How often it has been restarted. */
  readonly restarts: number;
  /** How it ended last, in words; undefined if it never did. */
  readonly lastEnd: { readonly time: number; readonly what: string; readonly next: string } | undefined;
  /** Undefined if it is a process, or was never started. */
  readonly supervisor: SupervisorSnapshot | undefined;
}

/**
 * A pool. Its counts are those of `pool.stats`.
 *
 * @see the example of {@link Snapshot}
 */
export interface PoolSnapshot {
  readonly number: number;
  readonly title: string;
  readonly startedAt: number;
  /** Tasks that wait for a worker. */
  readonly queued: number;
  /** Tasks that run, and whose callers wait. */
  readonly running: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly retried: number;
  /** Workers that died, and were not asked to end. */
  readonly restarts: number;
  readonly recycled: number;
  readonly killed: number;
  /** Milliseconds between call and start, of the last 1024 tasks. */
  readonly waitTime: { readonly median: number; readonly p99: number } | undefined;
  /** Milliseconds between start and end, of the last 1024 tasks. */
  readonly runTime: { readonly median: number; readonly p99: number } | undefined;
  readonly workers: readonly WorkerSnapshot[];
}

/**
 * A worker of a pool.
 *
 * @see the example of {@link Snapshot}
 */
export interface WorkerSnapshot {
  readonly name: string;
  /** Undefined if it could not be started. */
  readonly pid: number | undefined;
  /** `leaving`: it gets no more tasks. */
  readonly state: 'starting' | 'idle' | 'busy' | 'leaving';
  /** How many tasks it was given. */
  readonly tasks: number;
  /** What it runs. */
  readonly task: { readonly target: string; readonly startedAt: number } | undefined;
}

/**
 * An end of a channel. Its counts are those of `channel.stats`.
 *
 * @see the example of {@link snapshot}
 */
export interface ChannelSnapshot {
  readonly number: number;
  /** Its kind, and the place where it was made. */
  readonly name: string;
  readonly openedAt: number;
  readonly messagesSent: number;
  readonly bytesSent: number;
  /** Bytes that were put and that the kernel has not taken yet. */
  readonly bytesWaiting: number;
  readonly messagesReceived: number;
  readonly bytesReceived: number;
  /** Calls of `get()` that wait for a message. */
  readonly getsWaiting: number;
}

/**
 * A chain of programs and functions.
 *
 * @example
 * ```ts
 * import { snapshot } from '@aiopipe/inspector';
 * import { pipeline } from '@aiopipe/subprocess';
 *
 * for await (const line of pipeline(['sh', '-c', 'echo hello; exec sleep 60'], ['cat']).lines()) {
 *   console.log(line);
 *   for (const { command, stages } of snapshot().chains) console.log(command, stages.map(({ name }) => name));
 *   break; // ends the chain
 * }
 * ```
 * ```text
 * hello
 * sh -c 'echo hello; exec sleep 60' | cat [ 'sh', 'cat' ]
 * ```
 */
export interface ChainSnapshot {
  readonly number: number;
  /** As a shell would write it; its first 1,000 characters. */
  readonly command: string;
  readonly startedAt: number;
  readonly stages: readonly StageSnapshot[];
}

/**
 * A stage of a chain.
 *
 * @see the example of {@link ChainSnapshot}
 */
export interface StageSnapshot {
  readonly name: string;
  /** Undefined for a function. */
  readonly pid: number | undefined;
  /** How it ended, in words; undefined while it runs. */
  readonly end: string | undefined;
  /** Undefined if the system does not tell. */
  readonly bytesRead: number | undefined;
  readonly bytesWritten: number | undefined;
}

/**
 * A cluster of many machines, as this process has it.
 *
 * @example
 * <!-- types only: a process without a cluster has none to show -->
 * ```ts
 * import { snapshot } from '@aiopipe/inspector';
 *
 * for (const { name, machines, pools, answering } of snapshot().clusters) {
 *   for (const { running, completed } of machines) console.log(name, running, completed);
 *   for (const { target, outstanding } of pools) console.log(target, outstanding);
 *   for (const { workers } of answering) console.log(workers.idle);
 * }
 * ```
 */
export interface ClusterSnapshot {
  readonly number: number;
  readonly name: string;
  readonly startedAt: number;
  /** The machines of this process. */
  readonly machines: readonly MachineSnapshot[];
  /** The targets that this process calls. */
  readonly pools: readonly ClusterPoolSnapshot[];
  /** The machines of all processes that have just answered. They are asked while a page is open: else, the list is empty. */
  readonly answering: readonly AnsweringMachineSnapshot[];
}

/**
 * A machine of this process. Its counts are those of `machine.counts`.
 *
 * @see the example of {@link ClusterSnapshot}
 */
export interface MachineSnapshot {
  readonly name: string;
  readonly targets: readonly string[];
  /** The version of its targets. */
  readonly version: string;
  /** `draining`: it takes no more tasks. */
  readonly state: 'serving' | 'draining';
  /** Milliseconds without a sign of life of it after which its tasks are delivered to others. */
  readonly lease: number;
  /** Tasks that it has taken, and whose workers are not free again. */
  readonly running: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Tasks that it gave back for another try. */
  readonly handedBack: number;
  /** Tasks that had been delivered before, to this machine or to another. */
  readonly redelivered: number;
  /** How many workers its local pool has, by what they do. */
  readonly workers: { readonly starting: number; readonly idle: number; readonly busy: number };
}

/**
 * All calls of one target from this process. Its counts are those of `cluster.pools`.
 *
 * @see the example of {@link ClusterSnapshot}
 */
export interface ClusterPoolSnapshot {
  readonly target: string;
  readonly version: string;
  /** Tasks whose callers wait. */
  readonly outstanding: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** How often a task was delivered again before it was answered. */
  readonly retried: number;
  /**
   * Of all callers, as `pool.stats()` says: tasks that no machine has taken, that a machine has taken and not finished, and those of
   * them that were delivered again. Undefined if there was no answer in the last 15 seconds, or no page is open.
   */
  readonly queued: number | undefined;
  readonly running: number | undefined;
  readonly redelivered: number | undefined;
  /** How many machines have answered. */
  readonly machines: number | undefined;
}

/**
 * A machine of any process that has answered.
 *
 * @see the example of {@link ClusterSnapshot}
 */
export interface AnsweringMachineSnapshot {
  readonly name: string;
  /** Those of its targets that this process calls. */
  readonly targets: readonly string[];
  /** Its workers, of all its targets, by what they do. */
  readonly workers: { readonly starting: number; readonly idle: number; readonly busy: number };
  /** Tasks that it runs, of all its targets. */
  readonly running: number;
}
