import { EventEmitter } from 'node:events';
import { ClosedError } from '@aiopipe/core';
import { SupervisorError } from './errors.js';
import { startProcess, type ProcessExit, type ProcessHandle, type ProcessOptions } from './process.js';
import { type Target } from './target.js';

/** When a child is started again: always; only after it ended by a failure; never. OTP's words and meaning. */
export type Restart = 'permanent' | 'transient' | 'temporary';

/** One child of a supervisor. */
export interface ChildSpec<Args extends readonly unknown[] = readonly unknown[]> {
  /** Unique in its supervisor. */
  readonly id: string;
  readonly target: Target<Args>;
  /** Or a function that makes them anew for every start: handles move, so each start needs its own. */
  readonly args?: Args | (() => Args) | undefined;
  /** `permanent` unless given. */
  readonly restart?: Restart | undefined;
  /** Milliseconds that it gets between SIGTERM and SIGKILL when it is shut down. 5000 unless given. */
  readonly shutdown?: number | undefined;
  readonly options?: ProcessOptions | undefined;
}

/** Of any target: each spec is checked against its own where it is written as a {@link ChildSpec}. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- no other type is above all tuples of arguments
export type AnyChildSpec = ChildSpec<any>;

/** What a supervisor does. */
export interface SupervisorOptions {
  /** Who is restarted with a child that ended: nobody else. */
  readonly strategy?: 'one_for_one' | undefined;
  /** As many restarts as this within `period` are borne; at one more the supervisor gives up. 1 unless given. */
  readonly intensity?: number | undefined;
  /** Milliseconds. 5000 unless given. */
  readonly period?: number | undefined;
}

/** A child that runs. */
export interface ChildStarted {
  readonly id: string;
  readonly process: ProcessHandle;
  /** How often it has been started before. */
  readonly restarts: number;
}

/** A child that ended. */
export interface ChildExited extends ProcessExit {
  readonly id: string;
  readonly pid: number | undefined;
  /** Whether it is started again now. */
  readonly willRestart: boolean;
  /** Why it ended, where it did so by a failure. */
  readonly error: Error | undefined;
}

/** Events of a {@link Supervisor}, each told before what follows from it is done. */
export interface SupervisorEvents {
  started: [ChildStarted];
  exited: [ChildExited];
  /** It gave up: all children are being shut down. */
  'gave-up': [SupervisorError];
}

interface Child {
  readonly spec: AnyChildSpec;
  /** The last one; whoever listened to `started` may have closed it once it has ended. */
  process: ProcessHandle | undefined;
  /** Set from a start until its end has been told. */
  running: Promise<void> | undefined;
  restarts: number;
}

const DEFAULT_SHUTDOWN = 5000;

/**
 * Keeps child processes running: starts them in order, starts those again that end though they shouldn't, and gives up
 * where that happens too often. After OTP's supervisor.
 *
 * ```ts
 * await using supervisor = new Supervisor([{ id: 'worker', target: work, args: () => [makeEnd()] }]);
 * supervisor.on('exited', ({ id, signalCode }) => log(id, signalCode));
 * supervisor.start();
 * ```
 */
export class Supervisor extends EventEmitter<SupervisorEvents> implements AsyncDisposable {
  readonly #children = new Map<string, Child>();
  readonly #intensity: number;
  readonly #period: number;
  /** Of the restarts within the last period. */
  #restartTimes: number[] = [];
  #isStopping = false;
  #failure: SupervisorError | undefined;
  readonly #finished: Promise<void>;
  #settle!: { resolve: () => void; reject: (error: Error) => void };

  /** Starts nothing yet: first listen, then {@link start}. */
  constructor(specs: readonly AnyChildSpec[], options: SupervisorOptions = {}) {
    super();
    const { strategy = 'one_for_one', intensity = 1, period = 5000 } = options;
    if (strategy !== 'one_for_one') throw new TypeError(`strategy: expected 'one_for_one', not ${String(strategy)}`);
    if (!Number.isInteger(intensity) || intensity < 0)
      throw new TypeError('intensity: expected a whole number of restarts');
    if (!(period > 0)) throw new TypeError('period: expected milliseconds');
    this.#intensity = intensity;
    this.#period = period;
    this.#finished = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#finished.catch(() => undefined);

    for (const spec of specs) {
      if (this.#children.has(spec.id)) throw new TypeError(`two children are called ${JSON.stringify(spec.id)}`);
      this.#children.set(spec.id, { spec, process: undefined, running: undefined, restarts: 0 });
    }
  }

  /** Starts the children, from left to right. What is wrong with one of them throws, and those before it are ended. */
  start(): this {
    if (this.#isStopping) throw new ClosedError('the supervisor was stopped');
    try {
      for (const child of this.#children.values()) if (child.process === undefined) this.#start(child);
    } catch (error) {
      void this.stop();
      throw error;
    }
    return this;
  }

  /**
   * Resolves when the supervisor was stopped, or all its children have ended for good; rejects {@link SupervisorError}
   * where it gave up. It needn't be awaited.
   */
  get finished(): Promise<void> {
    return this.#finished;
  }

  /** The children that run, by their id, in the order of their start. */
  get processes(): ReadonlyMap<string, ProcessHandle> {
    const running = new Map<string, ProcessHandle>();
    for (const [id, child] of this.#children) {
      if (child.running !== undefined && child.process?.isAlive()) running.set(id, child.process);
    }
    return running;
  }

  #start(child: Child): void {
    const { spec } = child;
    const args = typeof spec.args === 'function' ? spec.args() : (spec.args ?? []);
    const process = startProcess(spec.target, { ...spec.options, name: spec.options?.name ?? spec.id, args });
    child.process = process;
    child.running = this.#follow(child, process);
    this.emit('started', { id: spec.id, process, restarts: child.restarts });
  }

  async #follow(child: Child, process: ProcessHandle): Promise<void> {
    // All that is asked of the handle is asked now: later its user may have closed it.
    const { pid } = process;
    const ended = process.join().catch(() => undefined);
    const error = await process.result.then(
      () => undefined,
      (reason: unknown) => reason as Error,
    );
    const exit = await ended;
    child.running = undefined;
    const { restart = 'permanent', id } = child.spec;
    const mustRestart =
      !this.#isStopping && (restart === 'permanent' || (restart === 'transient' && error !== undefined));
    const isTooOften = mustRestart && !this.#allowsRestart();
    this.emit('exited', {
      id,
      pid,
      exitCode: exit?.exitCode ?? null,
      signalCode: exit?.signalCode ?? null,
      willRestart: mustRestart && !isTooOften,
      error,
    });
    if (isTooOften) {
      await this.#giveUp(child, error);
    } else if (mustRestart && !this.#isStopping) {
      child.restarts++;
      await this.#restart(child);
    } else if (!this.#isStopping && [...this.#children.values()].every(({ running }) => running === undefined)) {
      this.#settle.resolve();
    }
  }

  /** Where even the making of its arguments fails, there is nothing that a further attempt could do better. */
  async #restart(child: Child): Promise<void> {
    try {
      this.#start(child);
    } catch (error) {
      await this.#giveUp(child, error as Error);
    }
  }

  #allowsRestart(): boolean {
    const now = performance.now();
    this.#restartTimes = [...this.#restartTimes.filter((time) => now - time < this.#period), now];
    return this.#restartTimes.length <= this.#intensity;
  }

  async #giveUp(child: Child, cause: Error | undefined): Promise<void> {
    const error = new SupervisorError(
      `the supervisor gave up: ${child.spec.id} ended again, after ${String(this.#intensity)} restart(s) within ` +
        `${String(this.#period)} ms (intensity and period)`,
      { cause },
    );
    this.#failure = error;
    this.emit('gave-up', error);
    await this.stop();
  }

  /** Shuts the children down, from right to left: SIGTERM, then SIGKILL after the child's `shutdown` time. */
  async stop(): Promise<void> {
    await this.#shutDown();
    if (this.#failure === undefined) this.#settle.resolve();
    else this.#settle.reject(this.#failure);
  }

  async #shutDown(): Promise<void> {
    this.#isStopping = true;
    for (const child of [...this.#children.values()].reverse()) {
      const { spec, process, running } = child;
      if (process === undefined || running === undefined) continue;
      process.terminate();
      const exit = await process.join({ timeout: spec.shutdown ?? DEFAULT_SHUTDOWN }).catch(() => null);
      if (exit === undefined) process.kill('SIGKILL');
      // Its end has been told, too, when this returns.
      await running;
    }
  }

  /** {@link stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
