import { DecodeError } from '@aiopipe/codec';
import { putSoon } from '@aiopipe/codec/internal';
import {
  ClosedError,
  SystemError,
  TimeoutError,
  type SignalName,
  type StopOptions,
  type WaitOptions,
} from '@aiopipe/core';
import {
  calledFrom,
  callSite,
  checkText,
  Pending,
  reasonOf,
  refuse,
  setImmediate,
  signalNumber,
  stop,
  type CallSite,
  type Exit,
  type SpawnedProgram,
  type StdioFds,
} from '@aiopipe/core/internal';
import { Conversation } from '../control/conversation.js';
import { renamePath } from '../control/message-path.js';
import { Pings } from '../control/pings.js';
import { newOrderId, PROTOCOL, type FromChild, type Ping, type Start } from '../control/protocol.js';
import { hasEnded, send } from '../control/send.js';
import { ChildError } from '../errors.js';
import { warnOf } from '../failure/unheard-failure.js';
import { nextDepth } from '../target/role.js';
import { Deferred } from '../wait/deferred.js';
import { Account } from './account.js';
import { killUnlessEnding, launch, LaunchFailure, type Control, type Launched } from './launch.js';
import { checkOptions, type ProcessOptions } from './options.js';
import { placeOf } from './place.js';
import { refillAfter, takeFrom } from './prefork.js';
import { checkApart } from './stdio.js';

/** Milliseconds from SIGTERM to SIGKILL for a daemon whose parent has ended. */
const DAEMON_GRACE = 1000;

/** How a child ended: one of the two is null. */
export interface ProcessExit {
  readonly exitCode: number | null;
  readonly signalCode: SignalName | null;
}

/** Which function a child is started on. */
export interface TargetName {
  readonly url: string;
  readonly name: string;
}

/** One child from its start to its end: sends its order, receives its messages, and settles the promises about it. */
export class StartedChild<Result> {
  readonly name: string;
  readonly result = new Deferred<Result>();
  readonly ready = new Deferred<void>();
  readonly started = new Deferred<void>();
  readonly #site: CallSite;
  readonly #account = new Account();
  readonly #pings = new Pings();
  readonly #joining = new Set<Pending<ProcessExit | undefined>>();
  #launched: Launched | undefined;
  #startError: ChildError | undefined;
  #isFinished = false;
  #isReady = false;
  /** Whether the child keeps this process alive. */
  #isHeld = true;
  /** Whether the program has used a promise that reports a failure. */
  #isHeard = false;
  #isReadyAwaited = false;
  #wasSignalled = false;

  /** @param maker - the public function that the user called: the stacks of the child's errors show the place of that call */
  constructor(
    target: TargetName,
    args: readonly unknown[],
    options: ProcessOptions,
    maker: (...args: never[]) => unknown,
  ) {
    this.name = options.name ?? target.name;
    this.#site = callSite(maker);
    // Before anything moves: a call that throws has taken nothing.
    checkOptions(options);
    checkText('name', this.name);

    const isDetached = options.detached === true;
    const grace = isDetached ? 'detached' : options.daemon === true ? DAEMON_GRACE : 0;
    const start: Start = {
      protocol: PROTOCOL,
      id: newOrderId(),
      ...target,
      processName: this.name,
      depth: nextDepth(),
      cwd: placeOf(options).cwd,
      grace,
    };
    const tell = (control: Control) => {
      // Encoded before the start: an argument that cannot be sent throws, and no process was started.
      try {
        checkApart(options, args);
        putSoon(control, start);
        send(control, args, this.#couldNotTell);
      } catch (error) {
        throw renamePath(error, 'value', 'args');
      }
    };
    const { prefork } = options;
    if (prefork !== undefined) refillAfter(prefork, this.started.promise);
    const launched =
      (prefork && takeFrom(prefork, options, start.id, tell)) ??
      launch(this.name, options, new Conversation(start.id, false), tell, grace, maker);
    if (launched instanceof LaunchFailure) {
      this.#failToStart(launched.cause);
      return;
    }
    this.#launched = launched;
    if (grace !== 'detached') launched.program.killAfter(grace);
    if (isDetached) void this.#unrefOnceSent(launched);
    else if (options.daemon === true) this.unref();
    void this.#follow(launched, isDetached);
  }

  #failToStart(cause: unknown): void {
    const message = `process ${this.name} could not be started: ${reasonOf(cause)}`;
    this.#startError = calledFrom(this.#site, new ChildError('ERR_AIOPIPE_START', message, { cause }));
    this.#isFinished = true;
    this.#rejectAll(this.#startError);
    this.#warnUnlessHeard(this.#startError);
  }

  /** A detached child outlives this process, so this process stays until all arguments are on their way. */
  async #unrefOnceSent({ control, program }: Launched): Promise<void> {
    program.unref();
    this.#isHeld = false;
    await control.drain().catch(() => undefined);
    if (!this.#isHeld) control.unref();
  }

  /** Resolves when the child has ended and all its messages have arrived. */
  async #follow(launched: Launched, isDetached: boolean): Promise<void> {
    const { control, program } = launched;
    // A send may have failed before there was a process to end.
    if (this.#account.isKnown) this.#end();
    await this.#listen(launched);
    killUnlessEnding(program);
    const exit = await program.exited;
    // Nothing else would end what the child left behind in its process group.
    if (!isDetached) program.killGroup('SIGKILL');
    control[Symbol.dispose]();
    this.#finish(exit);
  }

  async #listen({ control, conversation }: Launched): Promise<void> {
    for (;;) {
      try {
        this.#hear(await control.get());
      } catch (error) {
        if (hasEnded(error) || this.#account.isBroken) return;
        if (error instanceof DecodeError && !error.fatal && conversation.unreadable()) {
          this.#account.resultIsUnreadable(error);
          continue;
        }
        this.#account.breakAt(error);
        this.#end();
        return;
      }
    }
  }

  #hear(message: FromChild): void {
    this.#account.hear(message);
    if (message.kind === 'started') this.started.resolve();
    else if (message.kind === 'pong') this.#pings.answer(message.of);
    else if (message.kind === 'ready') {
      this.#isReady = true;
      this.ready.resolve();
    } else if (message.kind === 'result') {
      this.ready.resolve();
      this.result.resolve(message.value as Result);
    }
  }

  /** If a send fails because the child has ended, its exit reports that. */
  readonly #couldNotTell = (error: Error): void => {
    if (!(error instanceof SystemError) || this.#account.isKnown) return;
    this.#account.couldNotTell(error);
    this.#end();
  };

  #end(): void {
    this.#launched?.program.killGroup('SIGKILL');
    this.#launched?.control[Symbol.dispose]();
  }

  #finish(exit: Exit): void {
    this.#isFinished = true;
    const error = this.#account.failure(this.name, this.#launched?.program.pid, exit);
    if (error !== undefined) calledFrom(this.#site, error);
    // If the child ended by a signal or its own exit, join() resolves with that.
    if (error?.code === 'ERR_AIOPIPE_START' && !this.#account.toldNothing) this.#startError = error;
    this.#rejectAll(error ?? calledFrom(this.#site, this.#endedError()));
    if (this.#startError !== undefined && this.#joining.size > 0) this.#isHeard = true;
    for (const pending of this.#joining) {
      if (this.#startError === undefined) pending.resolve(exitOf(exit));
      else pending.reject(this.#startError);
    }
    this.#joining.clear();
    if (error !== undefined) this.#warnUnlessHeard(error);
  }

  /** Rejects the promises that are not settled yet. */
  #rejectAll(error: Error): void {
    if (this.#isReadyAwaited && !this.#isReady) this.#isHeard = true;
    for (const deferred of [this.started, this.ready, this.result]) deferred.reject(error);
    if (this.#pings.rejectAll(error) > 0) this.#isHeard = true;
  }

  /** Warns a turn later: code that waited for the child's end may look at its result then. */
  #warnUnlessHeard(error: ChildError): void {
    setImmediate(() => {
      if (this.#isHeard && !this.#account.brokeAfterResult) return;
      // The program asked for that end.
      if (this.#wasSignalled && (error.code === 'ERR_AIOPIPE_NO_RESULT' || this.#account.toldNothing)) return;
      warnOf('AIOPIPE_CHILD_FAILED', error, 'nothing has used its `result`');
    });
  }

  #endedError(): ClosedError {
    return new ClosedError(`process ${this.name} has ended`);
  }

  /** The program has asked for `result`: a failure is heard there. */
  resultIsAwaited(): void {
    this.#isHeard = true;
  }

  /** The program has asked for `ready`: a failure before that is heard there. */
  readyIsAwaited(): void {
    this.#isReadyAwaited = true;
  }

  /** Undefined if the child could not be started. */
  get program(): SpawnedProgram | undefined {
    return this.#launched?.program;
  }

  get stdio(): StdioFds | undefined {
    return this.#launched?.stdio;
  }

  /** Whether the child has ended, or could not be started, and all that waited is settled. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  async ping(options: WaitOptions): Promise<number> {
    const refusal = refuse(options, undefined, () => `process ${this.name}: ping()`);
    if (refusal !== undefined) throw refusal;
    if (this.#isFinished) {
      const error = calledFrom(callSite(this.ping), this.#endedError());
      // Rejects with the child's failure, if it failed.
      await this.result.promise;
      throw error;
    }
    const { control, conversation } = this.#launched as Launched;
    const id = conversation.nextPing;
    return this.#pings.ask(id, `process ${this.name}`, options, () => {
      send(control, { kind: 'ping', id } satisfies Ping, this.#couldNotTell);
      conversation.pinged();
    });
  }

  async join(options: WaitOptions): Promise<ProcessExit | undefined> {
    const what = () => `process ${this.name}: join()`;
    const refusal = refuse(options, undefined, what);
    if (refusal !== undefined) throw refusal;
    if (this.#startError !== undefined) {
      this.#isHeard = true;
      throw this.#startError;
    }
    if (this.#isFinished) return exitOf(this.#launched?.program.exit as Exit);
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

  /** Signals the child's process group; returns false if that has no process. */
  kill(signal: SignalName | number): boolean {
    // Throws also for a child that could not be started.
    const number = signalNumber(signal);
    const wasSent = this.#launched?.program.killGroup(signal) ?? false;
    this.#wasSignalled ||= wasSent && number !== 0;
    return wasSent;
  }

  stop(options: StopOptions | undefined): Promise<ProcessExit> {
    const { program } = this.#launched ?? {};
    const running = program === undefined || program.exit !== undefined ? [] : [program];
    return stop(running, options, async (wait) => {
      this.#wasSignalled ||= running.length > 0;
      // It resolves with undefined at a timeout only.
      return (await this.join(wait)) as ProcessExit;
    });
  }

  ref(): void {
    this.#isHeld = true;
    this.#launched?.program.ref();
    this.#launched?.control.ref();
  }

  unref(): void {
    this.#isHeld = false;
    this.#launched?.program.unref();
    this.#launched?.control.unref();
  }
}

function exitOf({ exitCode, signalCode }: Exit): ProcessExit {
  return { exitCode, signalCode };
}
