import { handled, now, Pending } from '@aiopipe/core/internal';
import { TimeoutError, type SignalName } from '@aiopipe/core';
import { ChildError } from '../errors.js';
import { catchUp } from '../wait/loop-turns.js';
import { startSupervised, type ProcessHandle } from '../start/process.js';
import { type Siblings } from '../sibling/siblings.js';
import { type ExitReason } from './interface.js';
import { Heartbeat } from './heartbeat.js';
import { type Ending, type Life } from './life.js';
import { type ChildSpecFields } from './spec.js';

const DEFAULT_SHUTDOWN = 5000;

/** The life of a process. A listener of the supervisor's events may close its handle once it has ended. */
export class ProcessLife implements Life {
  readonly process: ProcessHandle;
  readonly supervisor = undefined;
  readonly pid: number | undefined;
  readonly started: Promise<void>;
  readonly ended: Promise<Ending>;
  readonly #spec: ChildSpecFields<readonly unknown[]>;
  readonly #siblings: Siblings;
  #reason: ExitReason = 'exit';

  /** Throws if the arguments cannot be made or sent; no process was started then. */
  constructor(spec: ChildSpecFields<readonly unknown[]>, siblings: Siblings) {
    this.#spec = spec;
    this.#siblings = siblings;
    const args = typeof spec.args === 'function' ? spec.args() : (spec.args ?? []);
    const options = { ...spec.options, name: spec.options?.name ?? spec.id, args };
    this.process = startSupervised(spec.target, options, siblings);
    this.pid = this.process.pid;
    this.ended = this.#follow();
    this.started = handled(this.#start());
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
      // If this process hung, the message of the child may have arrived in time.
      if (error instanceof TimeoutError) await catchUp();
      if (!isReady) throw error;
    }
  }

  /** Asks the handle for everything now, because a listener may close it later. */
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
    // If a signal of this supervisor ended the child, the child did not fail.
    if (this.#reason === 'shutdown' && signalCode !== null) return undefined;
    if (this.#reason !== 'hung') return error;
    const deadline = String(this.#spec.heartbeat?.deadline);
    return new ChildError('ERR_AIOPIPE_NO_RESULT', `${this.#name} did not answer its heartbeat, and was killed`, {
      pid: this.pid,
      signalCode,
      cause: new TimeoutError(`its event loop did not answer within ${deadline} ms (heartbeat.deadline)`),
    });
  }

  #watch(): Heartbeat | undefined {
    const { heartbeat: times, ready } = this.#spec;
    if (times === undefined) return undefined;
    const heartbeat = new Heartbeat(this.process, times, () => {
      if (this.#kill('SIGKILL')) this.#reason = 'hung';
    });
    // A child cannot answer while it evaluates its module.
    (ready === undefined ? this.process.started : this.process.ready).then(
      () => {
        heartbeat.start();
      },
      () => undefined,
    );
    return heartbeat;
  }

  async shutDown(): Promise<void> {
    // New connections wait for its next process.
    this.#siblings.leave();
    const grace = this.#spec.shutdown ?? DEFAULT_SHUTDOWN;
    // Signal 0 asks only whether the process runs.
    if (this.#kill(grace === 0 ? 'SIGKILL' : 0)) {
      if (this.#reason === 'exit') this.#reason = 'shutdown';
      if (grace > 0) void this.process.stop({ grace });
    }
    await this.ended;
  }

  /** False if it has ended. */
  #kill(signal: SignalName | number): boolean {
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
