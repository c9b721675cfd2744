import { handled } from '@aiopipe/core/internal';
import { inspect } from 'node:util';
import {
  BusyError,
  ClosedError,
  type ReadEnd,
  type ResourceUsage,
  type SignalName,
  type StopOptions,
  type WaitOptions,
  type WriteEnd,
} from '@aiopipe/core';
import { type ProcessExit } from './child-promises.js';
import { type StartedChild } from './started-child.js';

/** Makes a ProcessHandle: only `startProcess()` does. */
export let processHandleOf: <Result>(child: StartedChild<Result>) => ProcessHandle<Result>;

/**
 * A child process that `startProcess()` started.
 *
 * @example
 * ```ts
 * import { isChild, startProcess, target } from '@aiopipe/process';
 *
 * export const wait = target(import.meta.url, 'wait', () => new Promise(() => setInterval(() => {}, 1000)));
 *
 * if (!isChild()) {
 *   const child = startProcess(wait, { name: 'waiter' });
 *   await child.started;
 *   console.log(child.name, child.isAlive(), await child.join({ timeout: 10 }));
 *   child.terminate();
 *   console.log(await child.join());
 * }
 * ```
 * ```text
 * waiter true undefined
 * { exitCode: null, signalCode: 'SIGTERM' }
 * ```
 */
export class ProcessHandle<
  Result = unknown,
  Stdin extends WriteEnd | undefined = WriteEnd | undefined,
  Stdout extends ReadEnd | undefined = ReadEnd | undefined,
  Stderr extends ReadEnd | undefined = ReadEnd | undefined,
> {
  readonly #child: StartedChild<Result>;
  #isClosed = false;

  static {
    processHandleOf = (child) => new ProcessHandle(child);
  }

  private constructor(child: StartedChild<Result>) {
    this.#child = child;
  }

  /** The child's process id; undefined if the child could not be started. */
  get pid(): number | undefined {
    return this.#open().program?.pid;
  }

  /** The child's name: the `name` option, or the name of its target. */
  get name(): string {
    return this.#open().name;
  }

  /** Returns whether the child runs. */
  isAlive(): boolean {
    const { program } = this.#open();
    return program !== undefined && program.exit === undefined;
  }

  /** The child's exit code; null while it runs, and if a signal ended it. It is set without a call of {@link join}. */
  get exitCode(): number | null {
    return this.#open().program?.exit?.exitCode ?? null;
  }

  /** The signal that ended the child; null while it runs, and if it exited. */
  get signalCode(): SignalName | null {
    return this.#open().program?.exit?.signalCode ?? null;
  }

  /** The processor time and memory that the child used; undefined while it runs. */
  get resourceUsage(): ResourceUsage | undefined {
    return this.#open().program?.exit?.resourceUsage;
  }

  /** This process's end of the child's stdin, not open yet; undefined unless the option was `'pipe'`. */
  get stdin(): Stdin {
    return this.#open().stdio?.stdin as Stdin;
  }

  /** This process's end of the child's stdout, not open yet; undefined unless the option was `'pipe'`. */
  get stdout(): Stdout {
    return this.#open().stdio?.stdout as Stdout;
  }

  /** This process's end of the child's stderr, not open yet; undefined unless the option was `'pipe'`. */
  get stderr(): Stderr {
    return this.#open().stdio?.stderr as Stderr;
  }

  /**
   * Resolves with what the child's function returned; rejects with {@link ChildError} if it failed. An unawaited rejection does
   * not end the program. If the program never reads this property and nothing else reports the failure, a process warning does,
   * once (`AIOPIPE_CHILD_FAILED`).
   */
  get result(): Promise<Result> {
    return this.#open().promises.result;
  }

  /**
   * Resolves when the child has loaded its module and called its function; rejects with {@link ChildError} if it never does. An
   * unawaited rejection does not end the program.
   */
  get started(): Promise<void> {
    return this.#open().promises.started;
  }

  /**
   * Resolves when the child has called `ready()`, or its function has returned. Rejects with {@link ChildError} if the child
   * failed before, with ClosedError if it ended before. An unawaited rejection does not end the program.
   */
  get ready(): Promise<void> {
    return this.#open().promises.ready;
  }

  /**
   * Pings the child. Resolves with the milliseconds until its event loop has answered; a child that still
   * loads its module answers after that. Rejects with TimeoutError if no answer comes in time, as from a function that blocks
   * the loop; with {@link ChildError} or ClosedError if the child has ended.
   */
  ping(options: WaitOptions = {}): Promise<number> {
    return handled(this.#ping(options));
  }

  async #ping(options: WaitOptions): Promise<number> {
    return this.#open().ping(options);
  }

  /**
   * Waits for the child's end. Resolves with its exit code or signal, also if its function threw: `result` reports that. All
   * messages of the child have arrived then. Resolves with undefined at the timeout. Rejects with {@link ChildError} if the child
   * could not be started, or could not call its function. If `stdout` or `stderr` is `'pipe'`, read it: a child with unread
   * output may not end.
   */
  join(options: WaitOptions = {}): Promise<ProcessExit | undefined> {
    return handled(this.#join(options));
  }

  async #join(options: WaitOptions): Promise<ProcessExit | undefined> {
    return this.#open().promises.join(options);
  }

  /** Sends SIGTERM as {@link kill} does. */
  terminate(): boolean {
    return this.kill('SIGTERM');
  }

  /**
   * Sends a signal, SIGTERM by default, to the child and all in its process group. Returns false if that has no process; the
   * group of a detached child may outlive the child. SIGTERM is followed by SIGCONT, so that it reaches a stopped child. Throws
   * TypeError if there is no such signal.
   */
  kill(signal: SignalName | number = 'SIGTERM'): boolean {
    return this.#open().kill(signal);
  }

  /**
   * Ends the child and all in its process group: sends SIGTERM, and SIGKILL after the grace period (2000 ms by default).
   * Resolves as {@link join} does, at once if the child has ended.
   */
  stop(options?: StopOptions): Promise<ProcessExit> {
    return handled(this.#stop(options));
  }

  async #stop(options: StopOptions | undefined): Promise<ProcessExit> {
    return this.#open().stop(options);
  }

  /** Ends the use of this object: every call after it throws ClosedError. Throws BusyError if the child has not ended. */
  close(): void {
    const { promises, name, stdio } = this.#open();
    if (!promises.areSettled) throw new BusyError(`process ${name} has not ended yet: join() it before close()`);
    this.#isClosed = true;
    stdio?.closeOurs();
  }

  /** Lets the child keep this process alive while it runs, as it does unless it is a daemon. */
  ref(): this {
    this.#open().ref();
    return this;
  }

  /** Lets this process end while the child runs; the child ends then, unless it is detached. */
  unref(): this {
    this.#open().unref();
    return this;
  }

  [inspect.custom](): string {
    const { name, program } = this.#child;
    if (program === undefined) return `ProcessHandle ${name} (not started)`;
    const { pid, exit } = program;
    const state = exit === undefined ? 'running' : `ended, ${exit.signalCode ?? `exit code ${String(exit.exitCode)}`}`;
    return `ProcessHandle ${name} (pid ${String(pid)}, ${state})`;
  }

  #open(): StartedChild<Result> {
    if (this.#isClosed) throw new ClosedError(`process ${this.#child.name}: this ProcessHandle is closed`);
    return this.#child;
  }
}
