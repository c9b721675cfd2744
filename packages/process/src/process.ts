import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { Channel, EndOfStreamError } from '@aiopipe/codec';
import { putNow } from '@aiopipe/codec/internal';
import {
  aioduplex,
  BusyError,
  ClosedError,
  type PipeReader,
  type PipeWriter,
  TimeoutError,
  type WaitOptions,
} from '@aiopipe/core';
import { Pending, refuse, spawn, type Exit, type ResourceUsage, type SpawnedProgram } from '@aiopipe/core/internal';
import { ChildError } from './errors.js';
import { inheritedExecArgv } from './exec-argv.js';
import { CONTROL_FD, PROTOCOL, type News, type Ping, type Report, type Start } from './protocol.js';
import { Outcome } from './outcome.js';
import { refuseWhileEvaluating } from './role.js';
import { checkStdio, PreparedStdio, type StdioOptions } from './stdio.js';
import { isTarget, type Target } from './target.js';

/** How a child process is started. */
export interface ProcessOptions extends StdioOptions {
  /** For messages and for `ps`. The target's name unless given. */
  readonly name?: string | undefined;
  /**
   * It doesn't keep this process alive, and once this process is gone, however it went, it gets SIGTERM and a second to
   * handle it; then it is killed, as any other child is at once.
   */
  readonly daemon?: boolean | undefined;
  /** It outlives this process. No other child outlives it, or the worker thread that started it, however that ends. */
  readonly detached?: boolean | undefined;
  /** Its whole environment; this process's unless given. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly cwd?: string | undefined;
  /** Options of its Node. This process's own unless given, but for those about debugging, testing and `-e`. */
  readonly execArgv?: readonly string[] | undefined;
}

/** What a target is called with. Pipe ends and channel handles anywhere in them move to the child. */
export type WithArgs<Args extends readonly unknown[]> = [] extends Args
  ? { readonly args?: Args | undefined }
  : { readonly args: Args };

/** How a child ended: one of the two is null. */
export interface ProcessExit {
  readonly exitCode: number | null;
  readonly signalCode: NodeJS.Signals | null;
}

/**
 * Starts a child process on a function.
 *
 * Returns at once. What is wrong with the call throws, and nothing was started; what goes wrong with the start itself (no
 * more processes, a module that can't be loaded) rejects `result` and `join()`.
 *
 * ```ts
 * const child = startProcess(greet, { args: [tx, 'world'] });
 * await child.join();
 * ```
 */
export function startProcess<Args extends readonly unknown[], Result>(
  target: Target<Args, Result>,
  ...[options]: [] extends Args ? [(ProcessOptions & WithArgs<Args>)?] : [ProcessOptions & WithArgs<Args>]
): ProcessHandle<Awaited<Result>>;
/** The same for the export of a module, by the module's URL. */
export function startProcess(
  module: URL,
  options: ProcessOptions & { readonly export: string; readonly args?: readonly unknown[] | undefined },
): ProcessHandle;
export function startProcess(
  what: unknown,
  options: ProcessOptions & { readonly export?: string; readonly args?: readonly unknown[] | undefined } = {},
): ProcessHandle<unknown> {
  const { url, name } = locate(what, options.export);
  refuseWhileEvaluating(url);
  const args = options.args ?? [];
  if (!Array.isArray(args)) throw new TypeError(`args: expected an array of arguments, not ${typeof args}`);
  return new ProcessHandle(url, name, args, options);
}

function locate(what: unknown, exported: string | undefined): { url: string; name: string } {
  if (isTarget(what)) return { url: what.url, name: what.name };
  if (what instanceof URL) {
    if (exported === undefined) throw new TypeError(`export: expected the name of the function in ${what.href}`);
    return { url: what.href, name: exported };
  }
  if (typeof what === 'function') {
    const name = what.name || 'run';
    throw new TypeError(
      `a function can't be sent to another process; name it in its module, so that the child finds it: ` +
        `export const ${name} = target(import.meta.url, '${name}', ${what.name || 'async (…) => { … }'})`,
    );
  }
  throw new TypeError(`expected a target(), or a module's URL, not ${inspect(what, { depth: 0 })}`);
}

/** Milliseconds. Long enough to write something down, short enough for whoever waits for this process to be gone. */
const DAEMON_GRACE = 1000;

const entry = fileURLToPath(new URL('./child.js', import.meta.url));

/** A child process. */
export class ProcessHandle<Result = unknown> {
  readonly #name: string;
  #control: Channel<unknown, Report | News> | undefined;
  #program: SpawnedProgram | undefined;
  #report: Report | undefined;
  #startError: ChildError | undefined;
  #isFinished = false;
  /** Whether we stay until it has ended. */
  #isHeld = true;
  #isClosed = false;
  readonly #result = new Outcome<Result>();
  readonly #ready = new Outcome<void>();
  readonly #started = new Outcome<void>();
  #nextPing = 0;
  readonly #pings = new Map<number, Pending<void>>();
  #waiting = new Set<Pending<ProcessExit | undefined>>();
  readonly #stdio: PreparedStdio;

  /** @internal Made by {@link startProcess}. */
  constructor(url: string, targetName: string, args: readonly unknown[], options: ProcessOptions) {
    this.#name = options.name ?? targetName;
    // Before anything moves: a call that throws has taken nothing.
    checkStdio(options);
    if (options.daemon === true && options.detached === true) {
      throw new TypeError('daemon, detached: a daemon ends with this process, and a detached child outlives it');
    }

    const [ours, theirs] = aioduplex({ bufferSize: 256 * 1024 });
    const control = Channel.from<unknown, Report | News>(ours);
    try {
      const grace = options.detached === true ? 'detached' : options.daemon === true ? DAEMON_GRACE : 0;
      const start: Start = { protocol: PROTOCOL, url, name: targetName, grace };
      putNow(control, start);
      // Encoded now, and its handles are on their way: an argument that can't be sent throws, and nothing was started.
      putNow(control, args);
      this.#stdio = new PreparedStdio(options, `process ${this.#name}`);
    } catch (error) {
      control[Symbol.dispose]();
      theirs.close();
      throw error;
    }
    try {
      this.#program = spawn({
        file: process.execPath,
        argv: [process.execPath, ...(options.execArgv ?? inheritedExecArgv(process.execArgv)), entry, this.#name],
        env: options.env,
        cwd: options.cwd,
        fds: new Map([...this.#stdio.fds, [CONTROL_FD, theirs.fd]]),
        group: 'own',
      });
      this.#stdio.started();
    } catch (cause) {
      this.#stdio.failed();
      this.#failToStart(cause, control);
      return;
    } finally {
      theirs.close();
    }
    this.#control = control;
    if (options.detached === true) void this.#unrefOnceSent(control);
    else if (options.daemon === true) this.unref();
    void this.#follow(control, this.#program);
  }

  #failToStart(cause: unknown, control: Disposable): void {
    // Takes the handles that were on their way with it.
    control[Symbol.dispose]();
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#startError = new ChildError('ERR_AIOPIPE_START', `process ${this.#name} could not be started: ${reason}`, {
      cause,
    });
    this.#isFinished = true;
    this.#rejectAll(this.#startError);
  }

  /** It outlives us, so we stay until all of its arguments are on their way. */
  async #unrefOnceSent(control: Channel): Promise<void> {
    this.#program?.unref();
    this.#isHeld = false;
    await control.drain().catch(() => undefined);
    if (!this.#isHeld) control.unref();
  }

  /** Until it has ended and everything that it told has arrived. */
  async #follow(control: Channel<unknown, Report | News>, program: SpawnedProgram): Promise<void> {
    try {
      for await (const message of control) this.#hear(message);
    } catch (error) {
      if (!(error instanceof EndOfStreamError)) this.#report ??= { kind: 'error', error };
    }
    const exit = await program.exited;
    control[Symbol.dispose]();
    this.#finish(exit);
  }

  #hear(message: Report | News): void {
    switch (message.kind) {
      case 'started':
        this.#started.resolve();
        break;
      case 'ready':
        this.#ready.resolve();
        break;
      case 'pong':
        this.#pings.get(message.id)?.resolve();
        this.#pings.delete(message.id);
        break;
      case 'result':
        this.#ready.resolve();
        this.#result.resolve(message.value as Result);
        this.#report = message;
        break;
      default:
        this.#report = message;
    }
  }

  #finish(exit: Exit): void {
    this.#isFinished = true;
    const error = this.#errorOf(exit);
    if (error?.code === 'ERR_AIOPIPE_START') this.#startError = error;
    this.#rejectAll(error ?? this.#endedError());
    for (const pending of this.#waiting) {
      if (this.#startError === undefined) pending.resolve(exitOf(exit));
      else pending.reject(this.#startError);
    }
    this.#waiting.clear();
  }

  /** What has been settled already stays as it is. */
  #rejectAll(error: Error): void {
    for (const outcome of [this.#started, this.#ready, this.#result]) outcome.reject(error);
    for (const pending of this.#pings.values()) pending.reject(error);
    this.#pings.clear();
  }

  #endedError(): ClosedError {
    return new ClosedError(`process ${this.#name} has ended`);
  }

  #errorOf(exit: Exit): ChildError | undefined {
    const about = `process ${this.#name} (pid ${String(this.#program?.pid)})`;
    const details = { pid: this.#program?.pid, exitCode: exit.exitCode, signalCode: exit.signalCode };
    const report = this.#report;
    if (report === undefined) {
      const how = exit.signalCode === null ? `with exit code ${String(exit.exitCode)}` : `by ${exit.signalCode}`;
      return new ChildError('ERR_AIOPIPE_NO_RESULT', `${about} ended ${how} before its function had returned`, details);
    }
    if (report.kind === 'result') return undefined;
    const cause = report.error;
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : inspect(cause);
    return report.kind === 'error'
      ? new ChildError('ERR_AIOPIPE_CHILD', `${about} failed: ${reason}`, { ...details, cause })
      : new ChildError('ERR_AIOPIPE_START', `${about} could not call its function: ${reason}`, { ...details, cause });
  }

  /** Undefined where the process could not be started. */
  get pid(): number | undefined {
    this.#assertOpen();
    return this.#program?.pid;
  }

  get name(): string {
    this.#assertOpen();
    return this.#name;
  }

  /** Whether it runs. */
  isAlive(): boolean {
    this.#assertOpen();
    return this.#program !== undefined && this.#program.exit === undefined;
  }

  /** Null while it runs and where a signal ended it. Known without a call of {@link join}. */
  get exitCode(): number | null {
    this.#assertOpen();
    return this.#program?.exit?.exitCode ?? null;
  }

  /** Null while it runs and where it ended by itself. */
  get signalCode(): NodeJS.Signals | null {
    this.#assertOpen();
    return this.#program?.exit?.signalCode ?? null;
  }

  /** What it used, once it has ended. */
  get resourceUsage(): ResourceUsage | undefined {
    this.#assertOpen();
    return this.#program?.exit?.resourceUsage;
  }

  /** The other end of its stdin, where that is `pipe`. */
  get stdin(): PipeWriter | undefined {
    this.#assertOpen();
    return this.#stdio.stdin;
  }

  get stdout(): PipeReader | undefined {
    this.#assertOpen();
    return this.#stdio.stdout;
  }

  get stderr(): PipeReader | undefined {
    this.#assertOpen();
    return this.#stdio.stderr;
  }

  /** What its function returned, or {@link ChildError}. It needn't be awaited. */
  get result(): Promise<Result> {
    this.#assertOpen();
    return this.#result.promise;
  }

  /**
   * Resolves when the child has called `ready()`, or its function has returned; rejects {@link ChildError} where it
   * ended or failed before. It needn't be awaited.
   */
  get ready(): Promise<void> {
    this.#assertOpen();
    return this.#ready.promise;
  }

  /** Resolves when its function has been called; rejects where it ended before. It needn't be awaited. @internal */
  get started(): Promise<void> {
    this.#assertOpen();
    return this.#started.promise;
  }

  /**
   * Asks the child for a sign of life: resolves to the milliseconds until its event loop has answered, which one that is
   * still loading its module does once that is done. Rejects TimeoutError where none comes in time, as from a function
   * that blocks the loop, and {@link ChildError} or ClosedError where the child has ended.
   */
  async ping(options: WaitOptions = {}): Promise<number> {
    this.#assertOpen();
    const refusal = refuse(options);
    if (refusal !== undefined) throw refusal;
    if (this.#isFinished) {
      // One that ended well is no failure, but it doesn't answer either.
      await this.#result.promise;
      throw this.#endedError();
    }
    const id = this.#nextPing++;
    const pending = new Pending<void>(
      options,
      () => `process ${this.#name} gave no answer`,
      () => this.#pings.delete(id),
    );
    this.#pings.set(id, pending);
    const start = performance.now();
    try {
      if (this.#control !== undefined) putNow(this.#control, { kind: 'ping', id } satisfies Ping);
    } catch {
      // It doesn't listen any more: its end, which is about to be told, answers.
    }
    await pending.promise;
    return performance.now() - start;
  }

  /**
   * Waits for its end: everything that it told has arrived then. Resolves to undefined at the timeout. Rejects ChildError
   * where its function was never called.
   */
  async join(options: WaitOptions = {}): Promise<ProcessExit | undefined> {
    this.#assertOpen();
    const refusal = refuse(options);
    if (refusal !== undefined) throw refusal;
    if (this.#startError !== undefined) throw this.#startError;
    if (this.#isFinished) return exitOf(this.#program?.exit as Exit);
    const pending = new Pending<ProcessExit | undefined>(
      options,
      () => '',
      () => {
        this.#waiting.delete(pending);
      },
    );
    this.#waiting.add(pending);
    try {
      return await pending.promise;
    } catch (error) {
      if (error instanceof TimeoutError) return undefined;
      throw error;
    }
  }

  /** SIGTERM to it and to what it started in its process group. False if it has ended. */
  terminate(): boolean {
    return this.kill('SIGTERM');
  }

  /** A signal to it and to what it started in its process group; SIGKILL unless given. False if it has ended. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): boolean {
    this.#assertOpen();
    return this.#program?.killGroup(signal) ?? false;
  }

  /** Once it has ended: every call throws ClosedError after that. BusyError before its end. */
  close(): void {
    this.#assertOpen();
    if (!this.#isFinished) throw new BusyError(`process ${this.#name} has not ended yet: join() it before close()`);
    this.#isClosed = true;
    this.#stdio.stdin?.destroy();
    this.#stdio.stdout?.[Symbol.dispose]();
    this.#stdio.stderr?.[Symbol.dispose]();
  }

  /** Whether it keeps this process alive while it runs; it does unless it is a daemon or {@link unref} was called. */
  ref(): this {
    this.#assertOpen();
    this.#isHeld = true;
    this.#program?.ref();
    this.#control?.ref();
    return this;
  }

  unref(): this {
    this.#assertOpen();
    this.#isHeld = false;
    this.#program?.unref();
    this.#control?.unref();
    return this;
  }

  [inspect.custom](): string {
    const exit = this.#program?.exit;
    const state = exit === undefined ? 'running' : `ended, ${exit.signalCode ?? `exit code ${String(exit.exitCode)}`}`;
    const pid = this.#program === undefined ? 'not started' : `pid ${String(this.#program.pid)}, ${state}`;
    return `ProcessHandle ${this.#name} (${pid})`;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new ClosedError(`the handle of process ${this.#name} is closed`);
  }
}

function exitOf({ exitCode, signalCode }: Exit): ProcessExit {
  return { exitCode, signalCode };
}
