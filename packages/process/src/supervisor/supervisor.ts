import { EventEmitter } from 'node:events';
import { type Channel } from '@aiopipe/codec';
import { ClosedError } from '@aiopipe/core';
import {
  calledFrom,
  callSite,
  checkMayStart,
  handled,
  Pending,
  type CallSite,
  ObservedLives,
} from '@aiopipe/core/internal';
import { type ProcessHandle } from '../start/process.js';
import { checkConnect, type ConnectOptions } from '../sibling/connect-sibling.js';
import { type ConnectRequest } from '../sibling/siblings.js';
import { refuseRecursion } from '../target/role.js';
import { warnOf, WatchedPromise } from '../failure/unheard-failure.js';
import { checkSpec, checkSupervisor } from './check-spec.js';
import { SupervisorEngine } from './engine.js';
import { EventPublisher } from './event-publisher.js';
import { EventStream, type EventsOptions } from '../events/event-stream.js';
import { publishedFailures } from './failures.js';
import {
  type ChildCount,
  type ChildInfo,
  type NestedSupervisor,
  type SupervisorEvent,
  type SupervisorEvents,
} from './interface.js';
import { NestedLife } from './nested-life.js';
import { expand, partitionFor, partitionsOf } from './partitions.js';
import {
  type AnyChildSpec,
  type AnySpec,
  type AutoShutdown,
  type ChildSpec,
  type ChildSpecs,
  type PartitionedSpec,
  type SupervisorOptions,
  type SupervisorSpec,
} from './spec.js';

const observed = new ObservedLives<NestedSupervisor, SupervisorEvent>('supervisor');

const expanded = (spec: AnySpec): AnyChildSpec => (spec.type === 'partitioned' ? expand(spec) : spec);

/**
 * Keeps child processes running. It starts them in order, restarts those that end and should not, and gives up if that happens
 * too often. Its words, rules and defaults are those of OTP's supervisor.
 *
 * It does one thing at a time: starts, ends and calls are dealt with in the order in which they come; only {@link stop}
 * interrupts a start or a wait. An error that a listener throws is an uncaught exception of the program.
 *
 * @typeParam Children - the parameters of the children's targets, inferred from the specifications to check their `args`
 *
 * @example
 * ```ts
 * import { isChild, Supervisor, target } from '@aiopipe/process';
 *
 * export const serve = target(import.meta.url, 'serve', () => new Promise(() => setInterval(() => {}, 1000)));
 *
 * if (!isChild()) {
 *   await using supervisor = new Supervisor([{ id: 'web', target: serve }]);
 *   supervisor.on('exited', ({ id, signalCode, willRestart }) => console.log(id, signalCode, willRestart));
 *   supervisor.on('started', ({ id, restarts }) => console.log(id, restarts));
 *   await supervisor.start();
 *   supervisor.whichChildren()[0]?.process?.kill('SIGKILL');
 *   for await (const event of supervisor.events()) if (event.type === 'started') break;
 * }
 * ```
 * ```text
 * web 0
 * web SIGKILL true
 * web 1
 * web SIGTERM false
 * ```
 */
export class Supervisor<const Children extends readonly unknown[] = readonly unknown[]>
  extends EventEmitter<SupervisorEvents>
  implements NestedSupervisor, AsyncDisposable
{
  readonly #engine: SupervisorEngine;
  readonly #autoShutdown: AutoShutdown;
  readonly #events: EventPublisher;
  #started: Promise<this> | undefined;

  /** Starts nothing yet: add listeners, then call {@link start}. Throws a TypeError if a specification or an option is wrong. */
  constructor(specs: ChildSpecs<Children>, options: SupervisorOptions = {}) {
    super();
    checkSupervisor(specs, options);
    this.#autoShutdown = options.autoShutdown ?? 'never';
    this.#events = new EventPublisher(
      (event) => this.emit(event.type, event as never),
      (event) => {
        observed.happened(this, event);
      },
    );
    this.#engine = new SupervisorEngine((specs as readonly AnySpec[]).map(expanded), options, this.#events, (spec) =>
      this.#nest(spec),
    );
    const end = () => {
      this.#events.listeners.end();
      observed.closed(this);
    };
    this.#engine.finished.promise.then(end, end);
    observed.opened(this);
  }

  #nest(spec: SupervisorSpec): NestedLife {
    const { children, strategy, intensity, period, backoff, autoShutdown } = spec;
    const nested = new Supervisor(children as readonly AnySpec[], {
      strategy,
      intensity,
      period,
      backoff,
      autoShutdown,
    });
    const engine = nested.#engine;
    engine.path = [...this.#engine.path, spec.id];
    if (partitionsOf(spec) !== undefined) {
      engine.registry = this.#engine.registry;
      engine.partitionsOf = spec.id;
    }
    nested.#events.outer = (event) => this.#events.deliver({ ...event, path: [spec.id, ...event.path] });
    return new NestedLife(nested, {
      start: () => nested.#start(this.#engine.startSite),
      stop: () => engine.stop(),
      finished: nested.finished,
      get isStopping() {
        return engine.isStopping;
      },
    });
  }

  /**
   * Starts the children, from left to right, each when the one before it runs (and is ready, if its specification asks for
   * that). Resolves when all do. If one cannot be started, those that run are shut down, from right to left, and it rejects
   * with {@link SupervisorError}, which names the child and the reason. A second call returns the same promise. Marked as handled.
   */
  start(): Promise<this> {
    return this.#start(callSite(this.start));
  }

  #start(site: CallSite): Promise<this> {
    refuseRecursion('a supervisor');
    checkMayStart(process.execPath);
    this.#started ??= WatchedPromise.of(
      this.#engine.start(site).then(() => this),
      (error) => {
        if (!this.#engine.isHeard)
          this.#warnOf(error, "nothing has used the promise: await start(), or listen to 'start-failed'");
      },
    );
    return this.#started;
  }

  /**
   * Resolves when the supervisor has been stopped, by {@link stop} or by itself (`autoShutdown`). Rejects
   * {@link SupervisorError} if it gave up or could not start. Marked as handled: if nothing else told of the failure, a process
   * warning does, once (`AIOPIPE_SUPERVISOR_FAILED`).
   */
  get finished(): Promise<void> {
    this.#engine.isHeard = true;
    return this.#engine.finished.promise;
  }

  /**
   * Shuts the children down, from right to left, each when the one before it has ended: SIGTERM, then SIGKILL after the child's
   * `shutdown` time. May be called at any time, and more than once. Never rejects.
   */
  stop(): Promise<void> {
    return this.#engine.stop();
  }

  /** Calls {@link stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /**
   * Adds a child on the right, and starts it. If that fails, it rejects with {@link SupervisorError}, and the specification is
   * deleted.
   */
  startChild<const Nested>(spec: SupervisorSpec<Nested>): Promise<NestedSupervisor>;
  startChild<const Args>(spec: PartitionedSpec<Args>): Promise<NestedSupervisor>;
  // The last overload, because TypeScript's messages are about the last one.
  startChild<const Args>(spec: ChildSpec<Args>): Promise<ProcessHandle>;
  startChild(spec: AnySpec): Promise<ProcessHandle | NestedSupervisor> {
    return this.#run(callSite(this.startChild), async (engine) => {
      checkSpec(spec, this.#autoShutdown);
      return engine.startNew(expanded(spec));
    });
  }

  /**
   * Shuts a child down, and cancels its restart if one is due. Its specification is kept for {@link restartChild}, unless it is
   * temporary.
   */
  terminateChild(id: string): Promise<void> {
    return this.#run(callSite(this.terminateChild), async (engine) => engine.terminate(engine.children.get(id)));
  }

  /**
   * Starts a child that does not run. Rejects BusyError if it runs or is about to. If the start fails, it rejects with
   * {@link SupervisorError}, and the specification is kept.
   */
  restartChild(id: string): Promise<ProcessHandle | NestedSupervisor> {
    return this.#run(callSite(this.restartChild), (engine) => engine.startByHand(engine.children.getStopped(id)));
  }

  /** Deletes the specification of a child that does not run. Rejects BusyError if it runs or is about to. */
  deleteChild(id: string): Promise<void> {
    return this.#run(callSite(this.deleteChild), async ({ children }) => {
      children.delete(children.getStopped(id));
    });
  }

  #run<T>(site: CallSite, task: (engine: SupervisorEngine) => Promise<T>): Promise<T> {
    const result = this.#engine
      .run(async () => task(this.#engine))
      .catch((error: unknown) => {
        throw calledFrom(site, error as Error);
      });
    return WatchedPromise.of(result, (error) => {
      this.#warnOf(error, 'nothing has used the promise: await the call, or catch its error');
    });
  }

  /** A call that is interrupted by stop() has not failed. */
  #warnOf(error: unknown, remedy: string): void {
    if (!(error instanceof Error) || error instanceof ClosedError || publishedFailures.has(error)) return;
    warnOf('AIOPIPE_SUPERVISOR_FAILED', error, remedy);
  }

  /** Counts the children. */
  countChildren(): ChildCount {
    return this.#engine.children.count();
  }

  /**
   * Returns the child for a key: the same one for equal keys, of the child of that id, which has partitions. Its `process` is
   * undefined while it does not run. Throws SupervisorError if there is no such child, ClosedError if it does not run at all,
   * TypeError if it has no partitions.
   *
   * ```ts
   * supervisor.which('cache', userId).process?.pid;
   * ```
   */
  which(id: string, key: string | number): ChildInfo {
    const { spec, life } = this.#engine.children.get(id);
    const partition = partitionFor(spec, key);
    const found = life?.supervisor?.whichChildren().find((child) => child.id === partition);
    if (found === undefined) throw new ClosedError(`child ${JSON.stringify(id)} does not run`);
    return found;
  }

  /**
   * Connects this process to a child: resolves with a channel whose other end the child gets by `connections()`. Otherwise as
   * {@link connectSibling}, which children call. Rejects ClosedError if the supervisor stops.
   *
   * ```ts
   * using store = await supervisor.connect<Query, Answer>('store', { timeout: 5000 });
   * ```
   */
  connect<Send = unknown, Receive = Send>(id: string, options: ConnectOptions = {}): Promise<Channel<Send, Receive>> {
    const site = callSite(this.connect);
    return handled(
      this.#connect(id, options, site).catch((error: unknown) => {
        throw calledFrom(site, error as Error);
      }),
    ) as Promise<Channel<Send, Receive>>;
  }

  async #connect(id: string, options: ConnectOptions, site: CallSite): Promise<Channel> {
    checkConnect('connect', id, options);
    const { registry, partitionsOf, children } = this.#engine;
    // The registry knows partitions by their keys, and a whole number stands for itself.
    const address =
      partitionsOf === undefined
        ? { to: id, key: options.key }
        : { to: partitionsOf, key: Number(children.get(id).spec.id) };
    let why = 'was not started';
    const pending = new Pending<Channel>(
      options,
      () => `child ${JSON.stringify(id)} ${why}`,
      () => {
        registry.withdraw(request);
      },
    );
    const request: ConnectRequest = {
      ...address,
      from: undefined,
      site,
      connected: (channel) => {
        pending.resolve(channel);
      },
      refused: (error) => {
        pending.reject(error);
      },
      waits: (reason) => {
        why = reason;
      },
    };
    try {
      registry.connect(request);
    } catch (error) {
      pending.reject(error);
    }
    return pending.promise;
  }

  /** Lists the children as they are now, from left to right. */
  whichChildren(): ChildInfo[] {
    return this.#engine.children.fromLeft.map((child) => child.describe());
  }

  /**
   * Iterates over all events from this call on, those of nested supervisors among them. It ends when the supervisor has
   * finished; leaving the loop early ends it, too. Up to 10000 events are kept until they are taken; at one more it ends with
   * QueueFullError. If `signal` aborts, it ends with AbortError at once.
   *
   * ```ts
   * for await (const event of supervisor.events()) if (event.type === 'exited') log(event.path, event.reason);
   * ```
   */
  events(options: EventsOptions = {}): AsyncGenerator<SupervisorEvent, void, undefined> {
    const stream = new EventStream<SupervisorEvent>(options, 'a supervisor', callSite(this.events));
    this.#events.listeners.subscribe(stream);
    return stream;
  }
}
