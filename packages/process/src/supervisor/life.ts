import { now, Pending } from '@aiopipe/core/internal';
import { TimeoutError, type SignalName } from '@aiopipe/core';
import { ChildError } from '../errors.js';
import { catchUp } from '../wait/loop-turns.js';
import { startProcess, type ProcessExit, type ChildProcess } from '../start/process.js';
import { type ExitReason } from './events.js';
import { Heartbeat } from './heartbeat.js';
import { type ChildSpec } from './spec.js';
import { type Supervisor } from './supervisor.js';

/** How a life ended. */
export interface Ending extends ProcessExit {
  readonly reason: ExitReason;
  readonly error: Error | undefined;
  /** When, by `now()`. */
  readonly at: number;
}

/** A child from one start to its end: a process, or a supervisor with all that it has. */
export interface Life {
  readonly process: ChildProcess | undefined;
  readonly supervisor: Supervisor | undefined;
  readonly pid: number | undefined;
  /** Resolves when it counts as started; rejects why it doesn't. It needn't be awaited. */
  readonly started: Promise<unknown>;
  readonly ended: Promise<Ending>;
  /** Makes it end, and resolves when it has. */
  shutDown(): Promise<unknown>;
}

const DEFAULT_SHUTDOWN = 5000;

/** A process's. Whoever listens to the supervisor's events may close its handle once it has ended. */
export class ProcessLife implements Life {
  readonly process: ChildProcess;
  readonly supervisor = undefined;
  readonly pid: number | undefined;
  readonly started: Promise<void>;
  readonly ended: Promise<Ending>;
  readonly #spec: ChildSpec;
  #reason: ExitReason = 'exit';

  /** Throws where its arguments can't be made or sent; then nothing was started. */
  constructor(spec: ChildSpec) {
    this.#spec = spec;
    const args = typeof spec.args === 'function' ? spec.args() : (spec.args ?? []);
    this.process = startProcess(spec.target, { ...spec.options, name: spec.options?.name ?? spec.id, args });
    this.pid = this.process.pid;
    this.ended = this.#follow();
    this.started = this.#start();
    this.started.catch(() => undefined);
  }

  async #start(): Promise<void> {
    const { ready } = this.#spec;
    if (this.pid === undefined) await this.process.result;
    if (ready === undefined) return;
    const pending = new Pending<void>(ready, () => `${this.#name} did not call ready()`);
    let isReady = false;
    this.process.ready.then(
      () => {
        isReady = true;
        pending.resolve();
      },
      (error: unknown) => {
        pending.reject(error);
      },
    );
    try {
      await pending.promise;
    } catch (error) {
      // Where it was us who hung, it may have said so in time.
      if (error instanceof TimeoutError) await catchUp();
      if (!isReady) throw error;
    }
  }

  /** All that is asked of the handle is asked now: later it may have been closed. */
  async #follow(): Promise<Ending> {
    const heartbeat = this.#watch();
    const ended = this.process.join().catch(() => undefined);
    const error = await this.process.result.then(
      () => undefined,
      (reason: unknown) => reason as Error,
    );
    const { exitCode = null, signalCode = null } = (await ended) ?? {};
    heartbeat?.stop();
    const at = now();
    return { exitCode, signalCode, reason: this.#reason, error: this.#judge(error, signalCode), at };
  }

  #judge(error: Error | undefined, signalCode: SignalName | null): Error | undefined {
    // A signal of ours is no failure of its own.
    if (this.#reason === 'shutdown' && signalCode !== null) return undefined;
    if (this.#reason !== 'hung') return error;
    const deadline = String(this.#spec.heartbeat?.deadline);
    return new ChildError('ERR_AIOPIPE_NO_RESULT', `${this.#name} hung, and was killed`, {
      pid: this.pid,
      signalCode,
      cause: new TimeoutError(`its event loop gave no sign of life within ${deadline} ms (heartbeat.deadline)`),
    });
  }

  #watch(): Heartbeat | undefined {
    const { heartbeat: times, ready } = this.#spec;
    if (times === undefined) return undefined;
    const heartbeat = new Heartbeat(this.process, times, () => {
      if (this.#kill('SIGKILL')) this.#reason = 'hung';
    });
    // While its module is evaluated it can't answer.
    (ready === undefined ? this.process.started : this.process.ready).then(
      () => {
        heartbeat.start();
      },
      () => undefined,
    );
    return heartbeat;
  }

  async shutDown(): Promise<void> {
    const limit = this.#spec.shutdown ?? DEFAULT_SHUTDOWN;
    if (this.#kill(limit === 0 ? 'SIGKILL' : 'SIGTERM') && this.#reason === 'exit') this.#reason = 'shutdown';
    const exit = await this.process.join({ timeout: limit }).catch(() => null);
    if (exit === undefined) this.#kill('SIGKILL');
    await this.ended;
  }

  /** False if it has ended. */
  #kill(signal: SignalName): boolean {
    try {
      return this.process.kill(signal);
    } catch {
      // Only the handle of a process that has ended can have been closed.
      return false;
    }
  }

  get #name(): string {
    return `${this.#spec.id} (pid ${String(this.pid)})`;
  }
}

/** A nested supervisor's. */
export class SupervisorLife implements Life {
  readonly process = undefined;
  readonly pid = undefined;
  readonly started: Promise<unknown>;
  readonly ended: Promise<Ending>;
  #reason: ExitReason = 'exit';

  constructor(readonly supervisor: Supervisor) {
    this.started = supervisor.start();
    this.ended = this.#follow();
  }

  async #follow(): Promise<Ending> {
    const error = await this.supervisor.finished.then(
      () => undefined,
      (reason: unknown) => reason as Error,
    );
    return { exitCode: null, signalCode: null, reason: this.#reason, error, at: now() };
  }

  async shutDown(): Promise<void> {
    if (!this.supervisor.isStopping) this.#reason = 'shutdown';
    await this.supervisor.stop();
  }
}
