import { ClosedError, TimeoutError, type SignalName, type WaitOptions } from '@aiopipe/core';
import { calledFrom, callSite, Pending, refuse, setImmediate, type CallSite } from '@aiopipe/core/internal';
import { Pings } from '../control/pings.js';
import { type ChildError } from '../errors.js';
import { warnOfChild } from '../failure/unheard-failure.js';
import { Deferred } from '../wait/deferred.js';
import { type ChildOutcome } from './child-outcome.js';

/**
 * How a child ended: one of the two is null.
 *
 * @see the example of {@link startProcess}
 */
export interface ProcessExit {
  readonly exitCode: number | null;
  readonly signalCode: SignalName | null;
}

/** The promises of one child. If the program has used no promise that reports a failure, a process warning reports it. */
export class ChildPromises<Result> {
  readonly #name: string;
  readonly #site: CallSite;
  readonly #result = new Deferred<Result>();
  readonly #ready = new Deferred<void>();
  readonly #started = new Deferred<void>();
  readonly #pings = new Pings();
  readonly #joining = new Set<Pending<ProcessExit | undefined>>();
  #isSettled = false;
  #exit: ProcessExit | undefined;
  #startError: ChildError | undefined;
  #isReady = false;
  #isReadyAwaited = false;
  /** Whether the program has used a promise that reports a failure. */
  #isHeard = false;
  /** The program has asked for the child's end. */
  endIsWanted = false;

  /** @param site - the call that started the child: the stacks of errors show it */
  constructor(name: string, site: CallSite) {
    this.#name = name;
    this.#site = site;
  }

  /** From the first use on, this promise reports every failure, and no warning is needed. */
  get result(): Promise<Result> {
    this.#isHeard = true;
    return this.#result.promise;
  }

  /** From the first use on, this promise reports a failure before `ready()`, and no warning is needed. */
  get ready(): Promise<void> {
    this.#isReadyAwaited = true;
    return this.#ready.promise;
  }

  get started(): Promise<void> {
    return this.#started.promise;
  }

  /** Whether the child has ended, or could not be started, and all promises are settled. */
  get areSettled(): boolean {
    return this.#isSettled;
  }

  /** The child's function was called. */
  hasStarted(): void {
    this.#started.resolve();
  }

  /** The child called `ready()`. */
  isReady(): void {
    this.#isReady = true;
    this.#ready.resolve();
  }

  /** The child's function has returned. */
  hasReturned(value: unknown): void {
    this.#ready.resolve();
    this.#result.resolve(value as Result);
  }

  /** A pong came. */
  hasAnswered(ping: number): void {
    this.#pings.answer(ping);
  }

  /**
   * The child has ended, or could not be started: settles all promises.
   *
   * @param exit - undefined if it could not be started
   * @param outcome - undefined if it could not be started
   */
  settle(exit: ProcessExit | undefined, failure: ChildError | undefined, outcome?: ChildOutcome): void {
    this.#isSettled = true;
    this.#exit = exit;
    if (failure !== undefined) calledFrom(this.#site, failure);
    // If the child ended by a signal or its own exit, join() resolves with that.
    if (failure?.code === 'ERR_AIOPIPE_START' && outcome?.toldNothing !== true) this.#startError = failure;
    this.#rejectAll(failure ?? calledFrom(this.#site, this.#endedError()));
    if (this.#startError !== undefined && this.#joining.size > 0) this.#isHeard = true;
    for (const pending of this.#joining) {
      if (this.#startError === undefined) pending.resolve(exit);
      else pending.reject(this.#startError);
    }
    this.#joining.clear();
    if (failure !== undefined) this.#warnUnlessHeard(failure, outcome);
  }

  /** Rejects the promises that are not settled yet. */
  #rejectAll(error: Error): void {
    if (this.#isReadyAwaited && !this.#isReady) this.#isHeard = true;
    for (const deferred of [this.#started, this.#ready, this.#result]) deferred.reject(error);
    if (this.#pings.rejectAll(error) > 0) this.#isHeard = true;
  }

  /** Warns a turn later: code that waited for the child's end may use `result` until then. */
  #warnUnlessHeard(error: ChildError, outcome: ChildOutcome | undefined): void {
    setImmediate(() => {
      if (this.#isHeard && outcome?.brokeAfterResult !== true) return;
      if (this.endIsWanted && (error.code === 'ERR_AIOPIPE_NO_RESULT' || outcome?.toldNothing === true)) return;
      warnOfChild(this.#site, error, 'nothing has used its `result`: await it, or catch its error');
    });
  }

  #endedError(): ClosedError {
    return new ClosedError(`process ${this.#name} has ended`);
  }

  /**
   * Resolves with the milliseconds until the child has answered.
   *
   * @param id - of the ping
   * @param put - sends it
   */
  async ping(options: WaitOptions, id: () => number, put: (id: number) => void): Promise<number> {
    const refusal = refuse(options, undefined, () => `process ${this.#name}: ping()`);
    if (refusal !== undefined) throw refusal;
    if (this.#isSettled) {
      const error = calledFrom(callSite(this.ping), this.#endedError());
      // Rejects with the child's failure, if it failed.
      await this.#result.promise;
      throw error;
    }
    const next = id();
    return this.#pings.ask(next, `process ${this.#name}`, options, () => {
      put(next);
    });
  }

  /** Waits for the child's end; resolves with undefined at the timeout. */
  async join(options: WaitOptions): Promise<ProcessExit | undefined> {
    const what = () => `process ${this.#name}: join()`;
    const refusal = refuse(options, undefined, what);
    if (refusal !== undefined) throw refusal;
    if (this.#startError !== undefined) {
      this.#isHeard = true;
      throw this.#startError;
    }
    if (this.#isSettled) return this.#exit;
    const pending = new Pending<ProcessExit | undefined>(options, what, () => {
      this.#joining.delete(pending);
    });
    this.#joining.add(pending);
    try {
      return await pending.promise;
    } catch (error) {
      if (error instanceof TimeoutError) return undefined;
      throw error;
    }
  }
}
