import { inspect } from 'node:util';
import { DecodeError, FrameTooLongError, InvalidMessageError } from '@aiopipe/codec';
import { putSoon } from '@aiopipe/codec/internal';
import {
  BusyError,
  ClosedError,
  type Exit,
  type ReadEnd,
  type ResourceUsage,
  type SignalName,
  SystemError,
  type StopOptions,
  TimeoutError,
  type WaitOptions,
  type WriteEnd,
} from '@aiopipe/core';
import { checkText, Pending, refuse, setImmediate, signalNumber, stop } from '@aiopipe/core/internal';
import { Conversation } from './conversation.js';
import { reasonOf } from './describe.js';
import { ChildError } from '../errors.js';
import { failureOf, type Account } from './failure.js';
import { killUnlessEnding, launch, LaunchFailure, type Control, type Launched } from './launch.js';
import { renamePath } from './message-path.js';
import { placeOf } from './place.js';
import { Outcome, unheard } from './outcome.js';
import { Pings } from './pings.js';
import { checkOptions, type ProcessOptions } from './options.js';
import { deserializeError } from './portable-error.js';
import { newOrderId, PROTOCOL, type FromChild, type Ping, type Start } from './protocol.js';
import { nextDepth } from './role.js';
import { hasEnded, send } from './send.js';
import { warnOf } from './unheard-failure.js';
import { checkApart } from './stdio.js';

/** Milliseconds. Long enough to write something down, short enough for whoever waits for this process to be gone. */
const DAEMON_GRACE = 1000;

/** How a child ended: one of the two is null. */
export interface ProcessExit {
  readonly exitCode: number | null;
  readonly signalCode: SignalName | null;
}

/** A child process. */
export class ProcessHandle<Result = unknown> {
  readonly #name: string;
  #launched: Launched | undefined;
  /** How it went, by its own last word or because we ended it. */
  #account: Account | undefined;
  /** What nobody caught in it, serialized: the reason of its end, if no other is told. */
  #uncaught: Uint8Array | undefined;
  #hasBegun = false;
  #startError: ChildError | undefined;
  #isFinished = false;
  /** The program has asked for what would tell it of a failure. */
  #isHeard = false;
  #isReadyAwaited = false;
  #isReady = false;
  /** We sent it a signal, of which it may end. */
  #wasSignalled = false;
  /** It broke the rules when its result was told already. */
  #isLate = false;
  /** Whether we stay until it has ended. */
  #isHeld = true;
  #isClosed = false;
  readonly #result = new Outcome<Result>();
  readonly #ready = new Outcome<void>();
  readonly #started = new Outcome<void>();
  readonly #pings = new Pings();
  #waiting = new Set<Pending<ProcessExit | undefined>>();

  /**
   * @param maker - the public function that the user called
   * @internal Made by {@link startProcess}.
   */
  constructor(
    url: string,
    targetName: string,
    args: readonly unknown[],
    options: ProcessOptions,
    maker: (...args: never[]) => unknown,
  ) {
    this.#name = options.name ?? targetName;
    // Before anything moves: a call that throws has taken nothing.
    checkOptions(options);
    checkText('name', this.#name);

    const grace = options.detached === true ? 'detached' : options.daemon === true ? DAEMON_GRACE : 0;
    const start: Start = {
      protocol: PROTOCOL,
      id: newOrderId(),
      url,
      name: targetName,
      processName: this.#name,
      depth: nextDepth(),
      cwd: placeOf(options).cwd,
      grace,
    };
    const onFailure = (error: Error) => {
      this.#onDeliveryFailed(error);
    };
    const tell = (control: Control) => {
      // Encoded now, and its handles are on their way: an argument that can't be sent throws, and nothing was started.
      try {
        checkApart(options, args);
        putSoon(control, start);
        send(control, args, onFailure);
      } catch (error) {
        throw renamePath(error, 'value', 'args');
      }
    };
    options.prefork?.refillAfter(this.#started.promise);
    const launched =
      options.prefork?.take(options, start.id, tell) ??
      launch(this.#name, options, new Conversation(start.id, false), tell, grace, maker);
    if (launched instanceof LaunchFailure) {
      this.#failToStart(launched.cause);
      return;
    }
    this.#launched = launched;
    if (grace !== 'detached') launched.program.killAfter(grace);
    if (options.detached === true) void this.#unrefOnceSent(launched.control);
    else if (options.daemon === true) this.unref();
    void this.#follow(launched, options.detached === true);
  }

  #failToStart(cause: unknown): void {
    const message = `process ${this.#name} could not be started: ${reasonOf(cause)}`;
    this.#startError = new ChildError('ERR_AIOPIPE_START', message, { cause });
    this.#isFinished = true;
    this.#rejectAll(this.#startError);
    this.#warnUnlessHeard(this.#startError);
  }

  /** It outlives us, so we stay until all of its arguments are on their way. */
  async #unrefOnceSent(control: Control): Promise<void> {
    this.#launched?.program.unref();
    this.#isHeld = false;
    await control.drain().catch(() => undefined);
    if (!this.#isHeld) control.unref();
  }

  /** Until it has ended and everything that it told has arrived. */
  async #follow(launched: Launched, isDetached: boolean): Promise<void> {
    const { control, program } = launched;
    // It may have failed before there was anything to end.
    if (this.#account !== undefined) this.#end();
    await this.#listen(launched);
    killUnlessEnding(program);
    const exit = await program.exited;
    // Whatever it left behind in its group: however it ended, nobody else would ever end that.
    if (!isDetached) program.killGroup('SIGKILL');
    control[Symbol.dispose]();
    this.#finish(exit);
  }

  async #listen({ control, conversation }: Launched): Promise<void> {
    for (;;) {
      try {
        this.#hear(await control.get());
      } catch (error) {
        if (hasEnded(error) || this.#account?.kind === 'broken') return;
        if (error instanceof DecodeError && !error.fatal && conversation.unreadable()) {
          this.#account = { kind: 'error', error };
          continue;
        }
        this.#break(error);
        return;
      }
    }
  }

  #hear(message: FromChild): void {
    switch (message.kind) {
      case 'started':
        this.#hasBegun = true;
        this.#started.resolve();
        break;
      case 'ready':
        this.#isReady = true;
        this.#ready.resolve();
        break;
      case 'pong':
        this.#pings.answer(message.of);
        break;
      case 'result':
        this.#ready.resolve();
        this.#result.resolve(message.value as Result);
        this.#account = message;
        break;
      case 'error':
      case 'no-start':
        this.#account = { kind: message.kind, error: deserializeError(message.error) };
        break;
      case 'uncaught':
        this.#uncaught = message.error;
        break;
      case 'idle':
      // A child that is ours has orders, so that its conversation refuses this.
    }
  }

  /** What it said can't be taken, or nothing can be heard any more. */
  #break(error: unknown): void {
    this.#isLate = this.#account?.kind === 'result';
    const isItsFault = [InvalidMessageError, DecodeError, FrameTooLongError].some((Class) => error instanceof Class);
    const reason = error instanceof InvalidMessageError ? error.issues[0]?.message : reasonOf(error);
    this.#account = isItsFault
      ? { kind: 'broken', code: 'ERR_AIOPIPE_PROTOCOL', what: `said what it may not say (${String(reason)})`, error }
      : {
          kind: 'broken',
          code: 'ERR_AIOPIPE_NO_RESULT',
          what: `could not be heard any more (${String(reason)})`,
          error,
        };
    this.#end();
  }

  /** It was not told what it had to be told. That it is gone shows at its end, not here. */
  #onDeliveryFailed(error: Error): void {
    if (!(error instanceof SystemError) || this.#account !== undefined) return;
    const what = `could not be told what to do (${error.message})`;
    this.#account = {
      kind: 'broken',
      code: this.#hasBegun ? 'ERR_AIOPIPE_NO_RESULT' : 'ERR_AIOPIPE_START',
      what,
      error,
    };
    this.#end();
  }

  #end(): void {
    this.#launched?.program.killGroup('SIGKILL');
    this.#launched?.control[Symbol.dispose]();
  }

  #finish(exit: Exit): void {
    this.#isFinished = true;
    const error = failureOf(this.#name, this.#launched?.program.pid, this.#account ?? this.#unreported(), exit);
    if (error?.code === 'ERR_AIOPIPE_START') this.#startError = error;
    this.#rejectAll(error ?? this.#endedError());
    for (const pending of this.#waiting) {
      if (this.#startError === undefined) pending.resolve(exitOf(exit));
      else this.#rejectJoin(pending, this.#startError);
    }
    this.#waiting.clear();
    if (error !== undefined) this.#warnUnlessHeard(error);
  }

  #rejectJoin(pending: Pending<ProcessExit | undefined>, error: ChildError): void {
    this.#isHeard = true;
    pending.reject(error);
  }

  /** A turn later: whoever waited for its end may look at its result then. */
  #warnUnlessHeard(error: ChildError): void {
    setImmediate(() => {
      if (this.#isHeard && !this.#isLate) return;
      // That it was ended is what was asked for.
      if (this.#wasSignalled && error.code === 'ERR_AIOPIPE_NO_RESULT') return;
      warnOf('AIOPIPE_CHILD_FAILED', error, 'nothing has looked at its `result`');
    });
  }

  #unreported(): Account {
    if (this.#uncaught !== undefined) return { kind: 'error', error: deserializeError(this.#uncaught) };
    return { kind: 'nothing', hasBegun: this.#hasBegun };
  }

  /** What has been settled already stays as it is. */
  #rejectAll(error: Error): void {
    if (this.#isReadyAwaited && !this.#isReady) this.#isHeard = true;
    for (const outcome of [this.#started, this.#ready, this.#result]) outcome.reject(error);
    if (this.#pings.rejectAll(error) > 0) this.#isHeard = true;
  }

  #endedError(): ClosedError {
    return new ClosedError(`process ${this.#name} has ended`);
  }

  /** Undefined where the process could not be started. */
  get pid(): number | undefined {
    this.#assertOpen();
    return this.#launched?.program.pid;
  }

  get name(): string {
    this.#assertOpen();
    return this.#name;
  }

  /** Whether it runs. */
  isAlive(): boolean {
    this.#assertOpen();
    return this.#launched !== undefined && this.#launched.program.exit === undefined;
  }

  /** Null while it runs and where a signal ended it. Known without a call of {@link join}. */
  get exitCode(): number | null {
    this.#assertOpen();
    return this.#launched?.program.exit?.exitCode ?? null;
  }

  /** Null while it runs and where it ended by itself. */
  get signalCode(): SignalName | null {
    this.#assertOpen();
    return this.#launched?.program.exit?.signalCode ?? null;
  }

  /** What it used, once it has ended. */
  get resourceUsage(): ResourceUsage | undefined {
    this.#assertOpen();
    return this.#launched?.program.exit?.resourceUsage;
  }

  /** Our end of its stdin, not open yet; undefined unless the option was `pipe`. */
  get stdin(): WriteEnd | undefined {
    this.#assertOpen();
    return this.#launched?.stdio?.stdin;
  }

  /** Our end of its stdout, not open yet; undefined unless the option was `pipe`. */
  get stdout(): ReadEnd | undefined {
    this.#assertOpen();
    return this.#launched?.stdio?.stdout;
  }

  /** Our end of its stderr, not open yet; undefined unless the option was `pipe`. */
  get stderr(): ReadEnd | undefined {
    this.#assertOpen();
    return this.#launched?.stdio?.stderr;
  }

  /**
   * What its function returned; rejects {@link ChildError} if it failed. It needn't be awaited: of a failure that nothing
   * else told, because this was never looked at, a process warning tells once (`AIOPIPE_CHILD_FAILED`).
   */
  get result(): Promise<Result> {
    this.#assertOpen();
    this.#isHeard = true;
    return this.#result.promise;
  }

  /**
   * Resolves when the child has called `ready()`, or its function has returned; rejects {@link ChildError} where it
   * ended or failed before. It needn't be awaited.
   */
  get ready(): Promise<void> {
    this.#assertOpen();
    this.#isReadyAwaited = true;
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
  ping(options: WaitOptions = {}): Promise<number> {
    return unheard(this.#ping(options));
  }

  async #ping(options: WaitOptions): Promise<number> {
    this.#assertOpen();
    const refusal = refuse(options);
    if (refusal !== undefined) throw refusal;
    if (this.#isFinished) {
      // One that ended well is no failure, but it doesn't answer either.
      await this.#result.promise;
      throw this.#endedError();
    }
    const { control, conversation } = this.#launched as Launched;
    const id = conversation.nextPing;
    return this.#pings.ask(id, `process ${this.#name}`, options, () => {
      send(control, { kind: 'ping', id } satisfies Ping, (error) => {
        this.#onDeliveryFailed(error);
      });
      conversation.pinged();
    });
  }

  /**
   * Waits for its end, and resolves with its exit code or signal: also if its function threw, which `result` tells.
   * Everything that it told has arrived then. Resolves to undefined at the timeout. Rejects ChildError if its function was
   * never called. A child that writes to a `stdout` or `stderr` that is `pipe` and not read waits there, and does not end.
   */
  join(options: WaitOptions = {}): Promise<ProcessExit | undefined> {
    return unheard(this.#join(options));
  }

  async #join(options: WaitOptions): Promise<ProcessExit | undefined> {
    this.#assertOpen();
    const refusal = refuse(options);
    if (refusal !== undefined) throw refusal;
    if (this.#startError !== undefined) {
      this.#isHeard = true;
      throw this.#startError;
    }
    if (this.#isFinished) return exitOf(this.#launched?.program.exit as Exit);
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

  /** As {@link kill}, with SIGTERM. */
  terminate(): boolean {
    return this.kill('SIGTERM');
  }

  /**
   * Sends a signal to it and to what it started in its process group, SIGTERM by default. Returns false if no process got it:
   * a detached child's group may outlive it, and gets the signal then. SIGTERM is followed by SIGCONT, so that it reaches a
   * child that is stopped. Throws TypeError if there is no such signal.
   */
  kill(signal: SignalName | number = 'SIGTERM'): boolean {
    this.#assertOpen();
    // Also for a child that could not be started.
    const number = signalNumber(signal);
    const wasSent = this.#launched?.program.killGroup(signal) ?? false;
    this.#wasSignalled ||= wasSent && number !== 0;
    return wasSent;
  }

  /**
   * Ends it, and what it started in its process group: sends SIGTERM, and SIGKILL after the grace period (2000 ms by
   * default). Resolves as {@link join}, at once if it has ended.
   */
  stop(options?: StopOptions): Promise<ProcessExit> {
    const { program } = this.#launched ?? {};
    const running = program === undefined || program.exit !== undefined ? [] : [program];
    return stop(running, options, async (wait) => {
      this.#wasSignalled ||= running.length > 0;
      // It resolves to undefined at a timeout only.
      return (await this.join(wait)) as ProcessExit;
    });
  }

  /** Once it has ended: every call throws ClosedError after that. BusyError before its end. */
  close(): void {
    this.#assertOpen();
    if (!this.#isFinished) throw new BusyError(`process ${this.#name} has not ended yet: join() it before close()`);
    this.#isClosed = true;
    this.#launched?.stdio?.closeOurs();
  }

  /** Whether it keeps this process alive while it runs; it does unless it is a daemon or {@link unref} was called. */
  ref(): this {
    this.#assertOpen();
    this.#isHeld = true;
    this.#launched?.program.ref();
    this.#launched?.control.ref();
    return this;
  }

  unref(): this {
    this.#assertOpen();
    this.#isHeld = false;
    this.#launched?.program.unref();
    this.#launched?.control.unref();
    return this;
  }

  [inspect.custom](): string {
    const exit = this.#launched?.program.exit;
    const state = exit === undefined ? 'running' : `ended, ${exit.signalCode ?? `exit code ${String(exit.exitCode)}`}`;
    const pid = this.#launched === undefined ? 'not started' : `pid ${String(this.#launched.program.pid)}, ${state}`;
    return `ProcessHandle ${this.#name} (${pid})`;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new ClosedError(`the handle of process ${this.#name} is closed`);
  }
}

function exitOf({ exitCode, signalCode }: Exit): ProcessExit {
  return { exitCode, signalCode };
}
