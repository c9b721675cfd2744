import { EventEmitter } from 'node:events';
import { ClosedError } from '@aiopipe/core';
import { nextTick } from '@aiopipe/core/internal';
import { type ChildProcess } from '../start/process.js';
import { refuseRecursion } from '../target/role.js';
import { type ChildCount, type ChildInfo } from './children.js';
import { heardBefore, SupervisorEngine } from './engine.js';
import { SupervisorEventStream } from './event-stream.js';
import { type SupervisorEvent, type SupervisorEvents } from './events.js';
import { SupervisorLife } from './life.js';
import {
  checkSpec,
  checkSpecs,
  checkSupervisorOptions,
  type AnyChildSpec,
  type AutoShutdown,
  type ChildSpec,
  type SupervisorOptions,
  type SupervisorSpec,
} from './spec.js';
import { warnOf, WatchedPromise } from '../failure/unheard-failure.js';

/**
 * Keeps child processes running: starts them in order, starts those again that end though they shouldn't, and gives up
 * where that happens too often. Its words, rules and defaults are those of OTP's supervisor.
 *
 * ```ts
 * await using supervisor = new Supervisor([{ id: 'worker', target: work, args: () => [makeEnd()] }]);
 * supervisor.on('exited', ({ id, reason, error }) => log(id, reason, error));
 * await supervisor.start();
 * ```
 *
 * It does one thing at a time: starts, ends and calls are dealt with in the order in which they come; only {@link stop}
 * interrupts, a start as well as a wait. What a listener throws is an uncaught exception of the program's, not an error of
 * the supervisor's.
 */
export class Supervisor extends EventEmitter<SupervisorEvents> implements AsyncDisposable {
  readonly #engine: SupervisorEngine;
  readonly #autoShutdown: AutoShutdown;
  readonly #streams = new Set<SupervisorEventStream>();
  #hasFinished = false;
  #started: Promise<this> | undefined;
  #tellParent: ((event: SupervisorEvent) => boolean) | undefined;

  /** Starts nothing yet: first listen, then {@link start}. */
  constructor(specs: readonly AnyChildSpec[], options: SupervisorOptions = {}) {
    super();
    checkSupervisorOptions(options);
    checkSpecs(specs, options);
    this.#autoShutdown = options.autoShutdown ?? 'never';
    this.#engine = new SupervisorEngine(specs, options, {
      tell: (event) => this.#tell(event),
      nest: (spec) => this.#nest(spec),
    });
    const endStreams = () => {
      this.#hasFinished = true;
      for (const stream of this.#streams) stream.end();
    };
    this.#engine.finished.promise.then(endStreams, endStreams);
  }

  #nest(spec: SupervisorSpec): SupervisorLife {
    const { strategy, intensity, period, backoff, autoShutdown } = spec;
    const nested = new Supervisor(spec.children, { strategy, intensity, period, backoff, autoShutdown });
    nested.#tellParent = (event) => this.#tell({ ...event, path: [spec.id, ...event.path] });
    return new SupervisorLife(nested);
  }

  /** Whether anybody listens to events of that type. */
  #tell(event: SupervisorEvent): boolean {
    let isHeard = this.#streams.size > 0;
    for (const stream of this.#streams) stream.push(event);
    if (this.#tellParent?.(event) === true) isHeard = true;
    try {
      if (this.emit(event.type, event as never)) isHeard = true;
    } catch (error) {
      isHeard = true;
      // As from any emitter that nobody's call stands above of.
      nextTick(() => {
        throw error;
      });
    }
    return isHeard;
  }

  /**
   * Starts the children, from left to right, each when the one before it runs (and is ready, if its spec asks for that).
   * Resolves when all do. Where one can't be started, those that were are ended, from right to left, and it rejects with a
   * {@link SupervisorError} that says which and why. Called again, it returns the same promise. It needn't be awaited.
   */
  start(): Promise<this> {
    refuseRecursion('a supervisor');
    this.#started ??= WatchedPromise.of(
      this.#engine.start().then(() => this),
      (error) => {
        if (!this.#engine.isHeard)
          this.#warnOf(error, "nothing awaits start(), listens to 'start-failed' or asks for `finished`");
      },
    );
    return this.#started;
  }

  /**
   * Resolves when the supervisor has been stopped, by {@link stop} or by itself (`autoShutdown`); rejects
   * {@link SupervisorError} where it gave up or could not start. It needn't be awaited: of a failure that nothing else told,
   * a process warning tells once (`AIOPIPE_SUPERVISOR_FAILED`).
   */
  get finished(): Promise<void> {
    this.#engine.isHeard = true;
    return this.#engine.finished.promise;
  }

  /** @internal Whether it is being stopped, or was. */
  get isStopping(): boolean {
    return this.#engine.isStopping;
  }

  /**
   * Shuts the children down, from right to left, each when the one before it has ended: SIGTERM, then SIGKILL after the child's
   * `shutdown` time. It may be called at any time, and more than once; it doesn't reject.
   */
  stop(): Promise<void> {
    return this.#engine.stop();
  }

  /** {@link stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Adds a child, on the right, and starts it. If that fails, it rejects, and the spec is forgotten. */
  startChild<Args extends readonly unknown[]>(spec: ChildSpec<Args>): Promise<ChildProcess>;
  startChild(spec: SupervisorSpec): Promise<Supervisor>;
  startChild(spec: AnyChildSpec): Promise<ChildProcess | Supervisor> {
    return this.#do(async ({ children }) => {
      checkSpec(spec, this.#autoShutdown);
      const child = children.add(spec);
      try {
        return await this.#engine.startByHand(child);
      } catch (error) {
        // One that was interrupted is ended with the others.
        if (child.life === undefined) children.delete(child);
        throw error;
      }
    });
  }

  /**
   * Shuts a child down; one that is about to be restarted isn't. Its spec is kept for {@link restartChild}, unless it is
   * temporary.
   */
  terminateChild(id: string): Promise<void> {
    return this.#do(async ({ children }) => {
      const child = children.get(id);
      const wasAwaited = child.timer !== undefined;
      await this.#engine.end(child, false);
      // Siblings that waited for its restart have one of their own now.
      const next = [...children].find(({ isRestarting, timer }) => isRestarting && timer === undefined);
      if (wasAwaited && next !== undefined) this.#engine.restartIn(0, next);
    });
  }

  /** Starts a child that doesn't run; BusyError where it does, or is about to. If that fails, it rejects, and the spec is kept. */
  restartChild(id: string): Promise<ChildProcess | Supervisor> {
    return this.#do(({ children }) => this.#engine.startByHand(children.getStopped(id)));
  }

  /** Forgets a child that doesn't run; BusyError where it does, or is about to. */
  deleteChild(id: string): Promise<void> {
    return this.#do(async ({ children }) => {
      children.delete(children.getStopped(id));
    });
  }

  #do<T>(task: (engine: SupervisorEngine) => Promise<T>): Promise<T> {
    return WatchedPromise.of(
      this.#engine.run(async () => task(this.#engine)),
      (error) => {
        this.#warnOf(error, 'nothing awaits this call');
      },
    );
  }

  /** That it was stopped meanwhile is no failure. */
  #warnOf(error: unknown, remedy: string): void {
    if (!(error instanceof Error) || error instanceof ClosedError || heardBefore.has(error)) return;
    warnOf('AIOPIPE_SUPERVISOR_FAILED', error, remedy);
  }

  /** How many children there are. */
  countChildren(): ChildCount {
    return this.#engine.children.count();
  }

  /** The children as they are now, from left to right. */
  whichChildren(): ChildInfo[] {
    return this.#engine.children.describe();
  }

  /**
   * All that happens from this call on, nested supervisors' events among it. It ends when the supervisor has finished; leaving
   * the loop early forgets it. What isn't taken is kept, up to 10000 events: at one more it ends with QueueFullError. With a
   * `signal` that is aborted it ends with AbortError at once.
   *
   * ```ts
   * for await (const event of supervisor.events()) if (event.type === 'exited') log(event.path, event.reason);
   * ```
   */
  events(
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncIterableIterator<SupervisorEvent, undefined> {
    const stream = new SupervisorEventStream(this.#streams, options);
    if (this.#hasFinished) stream.end();
    return stream;
  }
}
