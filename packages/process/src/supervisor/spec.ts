import { type ProcessOptions } from '../start/options.js';
import { type Target } from '../target/target.js';
import { type Backoff } from './backoff.js';

/**
 * When a child is restarted: always; only after a failure; never. OTP's words and meaning.
 *
 * @see the example of {@link AutoShutdown}
 */
export type Restart = 'permanent' | 'transient' | 'temporary';

/**
 * Which children are restarted with one that ended: no other; all siblings; the siblings that were started after it. The
 * siblings are shut down from right to left, then all are started from left to right. OTP's words and meaning: a sibling
 * that had ended or was terminated is started, too; a temporary one is deleted.
 *
 * @see the example of {@link SupervisorOptions}
 */
export type Strategy = 'one_for_one' | 'one_for_all' | 'rest_for_one';

/**
 * Whether a supervisor stops when significant children have ended by themselves and are not restarted: never; with the
 * first; with the last. OTP's words and meaning.
 *
 * @example
 * ```ts
 * import { isChild, Supervisor, target } from '@aiopipe/process';
 *
 * export const job = target(import.meta.url, 'job', () => console.log('done'));
 *
 * if (!isChild()) {
 *   await using supervisor = new Supervisor([{ id: 'job', target: job, restart: 'transient', significant: true }], {
 *     autoShutdown: 'all_significant',
 *   });
 *   await supervisor.start();
 *   await supervisor.finished;
 * }
 * ```
 * ```text
 * done
 * ```
 */
export type AutoShutdown = 'never' | 'any_significant' | 'all_significant';

/**
 * The arguments of a target, as a specification gives them: nothing is inferred from them, so they are checked.
 *
 * @see the example of {@link ChildSpec}
 */
export type ChildArgs<Args> = Readonly<NoInfer<Args>>;

/**
 * The parts of a {@link ChildSpec}.
 *
 * @see the example of {@link ChildSpec}
 */
export interface ChildSpecFields<Args> {
  /** Unique in its supervisor. */
  readonly id: string;
  readonly type?: 'worker' | undefined;
  /** The function that the child process calls. */
  readonly target: Target<Args & readonly unknown[]>;
  /**
   * The target's arguments, or a function that returns them. Handles move, so a child that is restarted needs new ones for
   * each start: give a function. It is called right before each start, when all children on the left run, so that children can
   * share what such functions make.
   */
  readonly args?: ChildArgs<Args> | (() => ChildArgs<Args>) | undefined;
  /** Default `permanent`. */
  readonly restart?: Restart | undefined;
  /** Whether its end counts for the supervisor's `autoShutdown`. A permanent child cannot be significant. Default false. */
  readonly significant?: boolean | undefined;
  /**
   * Milliseconds between SIGTERM and SIGKILL when the child is shut down; default 5000. 0 sends SIGKILL at once (OTP's
   * `brutal_kill`); with Infinity the supervisor waits as long as it takes.
   */
  readonly shutdown?: number | undefined;
  /**
   * The child counts as started only when it has called `ready()`; the next child is started then. If it does not within
   * `timeout` milliseconds (no limit by default), it is shut down, and its start has failed.
   */
  readonly ready?: { readonly timeout?: number | undefined } | undefined;
  /**
   * The supervisor pings the child every `interval` milliseconds, from when its function has been called (with `ready`: from
   * when it is ready). If its event loop has not answered `deadline` milliseconds later, SIGKILL ends it: a failure.
   */
  readonly heartbeat?: { readonly interval: number; readonly deadline: number } | undefined;
  /** How the process is started. */
  readonly options?: ProcessOptions | undefined;
}

/**
 * A child process of a supervisor. `args` are checked against the target's parameters, and required if the target needs any.
 *
 * @example
 * ```ts
 * import { isChild, ready, Supervisor, target } from '@aiopipe/process';
 *
 * export const serve = target(import.meta.url, 'serve', async (port: number) => {
 *   console.log('port', port);
 *   ready();
 *   await new Promise(() => setInterval(() => {}, 1000));
 * });
 *
 * if (!isChild()) {
 *   await using supervisor = new Supervisor([
 *     { id: 'web', target: serve, args: [8080], restart: 'permanent', shutdown: 1000, ready: { timeout: 10_000 } },
 *   ]);
 *   await supervisor.start();
 * }
 * ```
 * ```text
 * port 8080
 * ```
 */
export type ChildSpec<Args = readonly unknown[]> = ChildSpecFields<Args> &
  ([] extends Args ? unknown : { readonly args: object });

/**
 * Several child processes of one target. Each has a share of the keys: `supervisor.which(id, key)` returns the child for a key.
 * They are supervised together as a nested supervisor of strategy `one_for_one`, with the ids `'0'`, `'1'` and so on.
 *
 * @example
 * ```ts
 * import { isChild, Supervisor, target } from '@aiopipe/process';
 *
 * export const keep = target(import.meta.url, 'keep', (_partition: number) => new Promise(() => setInterval(() => {}, 1000)));
 *
 * if (!isChild()) {
 *   await using supervisor = new Supervisor([
 *     { id: 'cache', type: 'partitioned', partitions: 2, target: keep, args: (partition) => [partition] },
 *   ]);
 *   await supervisor.start();
 *   console.log(supervisor.which('cache', 'ada').pid === supervisor.which('cache', 'ada').pid);
 * }
 * ```
 * ```text
 * true
 * ```
 */
export type PartitionedSpec<Args = readonly unknown[]> = Omit<ChildSpecFields<Args>, 'type' | 'args' | 'significant'> &
  Pick<SupervisorOptions, 'intensity' | 'period' | 'backoff'> & {
    readonly type: 'partitioned';
    /** How many children, 1 to 1024. */
    readonly partitions: number;
    /** The target's arguments, or a function that returns them for a partition, which is called right before each start. */
    readonly args?: ChildArgs<Args> | ((partition: number) => ChildArgs<Args>) | undefined;
  } & ([] extends Args ? unknown : { readonly args: object });

/**
 * Options of a supervisor.
 *
 * @example
 * ```ts
 * import { isChild, Supervisor, target } from '@aiopipe/process';
 *
 * export const serve = target(import.meta.url, 'serve', () => new Promise(() => setInterval(() => {}, 1000)));
 *
 * if (!isChild()) {
 *   await using supervisor = new Supervisor([{ id: 'db', target: serve }, { id: 'web', target: serve }], {
 *     strategy: 'rest_for_one', // web is restarted with db
 *     intensity: 10,
 *     period: 60_000,
 *     backoff: { initial: 100, max: 5000 },
 *   });
 *   await supervisor.start();
 *   console.log(supervisor.countChildren().active);
 * }
 * ```
 * ```text
 * 2
 * ```
 */
export interface SupervisorOptions {
  /** Default `one_for_one`. */
  readonly strategy?: Strategy | undefined;
  /** Restarts allowed within `period`; at one more the supervisor gives up. 0 or more, or Infinity; default 1. */
  readonly intensity?: number | undefined;
  /** Milliseconds; default 5000. */
  readonly period?: number | undefined;
  /** The wait before each restart; none by default. A restart counts for `intensity` when it is decided, before the wait. */
  readonly backoff?: Backoff | undefined;
  /** Default `never`. */
  readonly autoShutdown?: AutoShutdown | undefined;
}

/**
 * A supervisor as the child of another one: started, restarted and stopped with all of its children. If it gives up, that is
 * a failure of this child; if it stops itself (`autoShutdown`), it ended without one. It takes as long to shut down as
 * its children do.
 *
 * @example
 * ```ts
 * import { isChild, Supervisor, target } from '@aiopipe/process';
 *
 * export const serve = target(import.meta.url, 'serve', () => new Promise(() => setInterval(() => {}, 1000)));
 *
 * if (!isChild()) {
 *   const children = [{ id: 'web', target: serve }];
 *   await using supervisor = new Supervisor([{ id: 'shop', type: 'supervisor', strategy: 'one_for_all', children }]);
 *   await supervisor.start();
 *   console.log(supervisor.whichChildren()[0]?.supervisor?.countChildren());
 * }
 * ```
 * ```text
 * { specs: 1, active: 1, supervisors: 0, workers: 1 }
 * ```
 */
// oxlint-disable-next-line typescript/no-explicit-any -- as AnyChildSpec
export interface SupervisorSpec<Children = any> extends SupervisorOptions {
  /** Unique in its supervisor. */
  readonly id: string;
  readonly type: 'supervisor';
  readonly children: ChildSpecs<Children> | AnyChildSpecs<Children>;
  /** Default `permanent`. */
  readonly restart?: Restart | undefined;
  /** Whether its end counts for the outer supervisor's `autoShutdown`. Default false. */
  readonly significant?: boolean | undefined;
}

/**
 * A list of specifications, of which each is checked against its own target: `Children` are the parameters of their
 * targets, or the `Children` of a nested supervisor, in their order.
 *
 * @see the example of {@link ChildSpec}
 */
export type ChildSpecs<Children> = {
  readonly [Index in keyof Children]:
    | ChildSpec<Children[Index]>
    | PartitionedSpec<Children[Index]>
    | SupervisorSpec<Children[Index]>;
};

/**
 * A specification of any child. It checks no `args`; specifications written in the call of `new Supervisor()` are checked.
 *
 * @see the example of {@link AnyChildSpecs}
 */
// oxlint-disable-next-line typescript/no-explicit-any -- no other type is above all tuples of arguments
export type AnyChildSpec = ChildSpec<any> | SupervisorSpec;

/**
 * {@link AnyChildSpec}, or one of partitions.
 *
 * @see the example of {@link AnyChildSpecs}
 */
// oxlint-disable-next-line typescript/no-explicit-any -- as AnyChildSpec
export type AnySpec = AnyChildSpec | PartitionedSpec<any>;

/**
 * A mapped type of `any` is no array, so that of a list of any children needs one more.
 *
 * @example
 * ```ts
 * import { isChild, Supervisor, target, type AnySpec } from '@aiopipe/process';
 *
 * export const wait = target(import.meta.url, 'wait', (_: string) => new Promise(() => setInterval(() => {}, 1000)));
 *
 * if (!isChild()) {
 *   const specs: AnySpec[] = ['a', 'b'].map((id) => ({ id, target: wait, args: [id] }));
 *   await using supervisor = new Supervisor(specs);
 *   await supervisor.start();
 *   console.log(supervisor.countChildren().workers);
 * }
 * ```
 * ```text
 * 2
 * ```
 */
export type AnyChildSpecs<Children> = 0 extends 1 & Children ? readonly AnySpec[] : never;
