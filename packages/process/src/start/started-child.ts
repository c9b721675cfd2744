import { DecodeError } from '@aiopipe/codec';
import { putSoon, renamePath } from '@aiopipe/codec/internal';
import { SystemError, type ProcessStart, type SignalName, type StopOptions, type WaitOptions } from '@aiopipe/core';
import {
  checkText,
  injectContext,
  processStart,
  nextTurn,
  reasonOf,
  signalNumber,
  stop,
  type SpawnedProgram,
  type StdioFds,
  type CallSite,
} from '@aiopipe/core/internal';
import { Conversation } from '../control/conversation.js';
import {
  isOfSiblings,
  newOrderId,
  PROTOCOL,
  type FromChild,
  type FromSibling,
  type Ping,
  type Start,
  type ToSibling,
} from '../control/protocol.js';
import { hasEnded, send } from '../control/send.js';
import { ChildError } from '../errors.js';
import { SiblingDesk } from '../sibling/sibling-desk.js';
import { type Siblings } from '../sibling/siblings.js';
import { ChildOutcome } from './child-outcome.js';
import { ChildPromises, type ProcessExit } from './child-promises.js';
import { killUnlessEnding, launch, LaunchFailure, type Control, type Launched } from './launch.js';
import { checkOptions, type ProcessOptions } from './options.js';
import { placeOf } from './start-directory.js';
import { refillAfter, takeFrom } from './prefork.js';
import { checkApart } from './stdio.js';

/** Milliseconds from SIGTERM to SIGKILL for a daemon whose parent has ended. */
const DAEMON_GRACE = 1000;

/** Which function a child is started on. */
export interface TargetName {
  readonly url: string;
  readonly name: string;
}

/** One child from its start to its end: sends its order, receives its messages, and ends it. */
export class StartedChild<Result> {
  readonly name: string;
  readonly promises: ChildPromises<Result>;
  readonly #outcome: ChildOutcome;
  readonly #siblings: Siblings | undefined;
  /** Made when the child first asks for a channel. */
  #desk: SiblingDesk | undefined;
  #launched: Launched | undefined;
  /** Whether a send has failed as if the child had closed its channel. */
  #hearsNothing = false;
  /** Whether the child keeps this process alive. */
  #isHeld = true;
  /** The message of the start's events, until the start is over; undefined if nothing observes it. */
  #traced: ProcessStart | undefined;

  /**
   * @param site - the call of the user: the stacks of the child's errors show its place
   * @param siblings - of a supervisor's child
   */
  constructor(
    target: TargetName,
    args: readonly unknown[],
    options: ProcessOptions,
    site: CallSite,
    siblings?: Siblings,
  ) {
    this.#siblings = siblings;
    this.name = options.name ?? target.name;
    this.promises = new ChildPromises(this.name, site);
    // Before anything moves: a call that throws has taken nothing.
    checkOptions(options);
    checkText('name', this.name);
    this.#outcome = new ChildOutcome(options.limits);
    const begin = () => {
      this.#begin(target, args, options, site);
    };
    if (!processStart.isObserved) begin();
    else processStart.call((this.#traced = { kind: 'child', name: this.name, target }), begin);
  }

  #begin(target: TargetName, args: readonly unknown[], options: ProcessOptions, site: CallSite): void {
    const context = injectContext();
    const isDetached = options.detached === true;
    const grace = isDetached ? 'detached' : options.daemon === true ? DAEMON_GRACE : 0;
    const start: Start = {
      protocol: PROTOCOL,
      id: newOrderId(),
      ...target,
      processName: this.name,
      cwd: placeOf(options).cwd,
      grace,
      ...(context && { context }),
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
    if (prefork !== undefined) refillAfter(prefork, this.promises.started);
    const taken = prefork && takeFrom(prefork, options, start.id, tell);
    const launched = taken ?? launch(this.name, options, new Conversation(start.id, false), tell, grace, site);
    if (launched instanceof LaunchFailure) {
      this.#failToStart(launched.cause);
      return;
    }
    this.#launched = launched;
    launched.program.kind = 'child';
    launched.program.name = this.name;
    if (this.#traced !== undefined) {
      Object.assign(this.#traced, { process: launched.program, isPreforked: taken !== undefined });
    }
    if (grace !== 'detached') launched.program.killAfter(grace);
    if (isDetached) void this.#unrefOnceSent(launched);
    else if (options.daemon === true) this.unref();
    void this.#follow(launched, isDetached);
  }

  #failToStart(cause: unknown): void {
    const message = `process ${this.name} could not be started: ${reasonOf(cause)}`;
    const failure = new ChildError('ERR_AIOPIPE_START', message, { cause });
    this.#startIsOver(failure);
    this.promises.settle(undefined, failure);
  }

  /** Publishes how the start went, once. */
  #startIsOver(failure?: Error): void {
    const traced = this.#traced;
    if (traced === undefined) return;
    this.#traced = undefined;
    if (failure === undefined) processStart.succeed(traced);
    else processStart.fail(traced, failure);
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
    if (this.#outcome.isKnown) this.#end();
    if (this.#hearsNothing) killUnlessEnding(program);
    await this.#listen(launched);
    this.#desk?.end();
    killUnlessEnding(program);
    const exit = await program.exited;
    // Nothing else would end what the child left behind in its process group.
    if (!isDetached) program.killGroup('SIGKILL');
    control[Symbol.dispose]();
    const { exitCode, signalCode } = exit;
    const failure = this.#outcome.failure(this.name, program.pid, exit);
    this.#startIsOver(failure);
    this.promises.settle({ exitCode, signalCode }, failure, this.#outcome);
  }

  async #listen(launched: Launched): Promise<void> {
    const { control, conversation } = launched;
    for (;;) {
      try {
        const message = await control.get();
        if (isOfSiblings(message)) await this.#hearOfSiblings(message, launched);
        else this.#hear(message);
      } catch (error) {
        if (hasEnded(error) || this.#outcome.isBroken) return;
        if (error instanceof DecodeError && !error.fatal && conversation.unreadable()) {
          this.#outcome.resultIsUnreadable(error);
          continue;
        }
        this.#outcome.breakAt(error);
        this.#end();
        return;
      }
    }
  }

  #hasStarted(): void {
    this.#startIsOver();
    this.promises.hasStarted();
  }

  /**
   * Handles at most one of these messages in a turn of the event loop, and none while the child does not read: however many a
   * child sends, timers and other children come in between, and few descriptors wait here for it.
   */
  async #hearOfSiblings(message: FromSibling, { control, conversation }: Launched): Promise<void> {
    this.#desk ??= new SiblingDesk(this.#siblings, conversation.siblings, (answer) => {
      this.#tellOfSiblings(answer, control);
    });
    this.#desk.hear(message);
    await nextTurn();
    await control.drain().catch(() => undefined);
  }

  #tellOfSiblings(message: ToSibling, control: Control): void {
    try {
      send(control, message, this.#couldNotTell);
    } catch (error) {
      // So many answers wait because the child does not read them.
      if (!this.#outcome.isKnown) this.#outcome.couldNotTell(error as Error);
      this.#end();
    } finally {
      // If it could not be sent, it has not moved.
      if ('channel' in message) message.channel[Symbol.dispose]();
    }
  }

  #hear(message: FromChild): void {
    this.#outcome.hear(message);
    if (message.kind === 'result' || message.kind === 'error') this.#desk?.end();
    if (message.kind === 'started') this.#hasStarted();
    else if (message.kind === 'pong') this.promises.hasAnswered(message.of);
    else if (message.kind === 'ready') this.promises.isReady();
    else if (message.kind === 'result') this.promises.hasReturned(message.value);
  }

  /** If a send fails because the child has ended, its exit reports that. A child that goes on without its channel is killed. */
  readonly #couldNotTell = (error: Error): void => {
    if (hasEnded(error)) {
      this.#hearsNothing = true;
      if (this.#launched !== undefined) killUnlessEnding(this.#launched.program);
    }
    if (!(error instanceof SystemError) || this.#outcome.isKnown) return;
    this.#outcome.couldNotTell(error);
    this.#end();
  };

  #end(): void {
    this.#launched?.program.killGroup('SIGKILL');
    this.#launched?.control[Symbol.dispose]();
  }

  /** Undefined if the child could not be started. */
  get program(): SpawnedProgram | undefined {
    return this.#launched?.program;
  }

  get stdio(): StdioFds | undefined {
    return this.#launched?.stdio;
  }

  ping(options: WaitOptions): Promise<number> {
    return this.promises.ping(
      options,
      () => (this.#launched as Launched).conversation.nextPing,
      (id) => {
        const { control, conversation } = this.#launched as Launched;
        send(control, { kind: 'ping', id } satisfies Ping, this.#couldNotTell);
        conversation.pinged();
      },
    );
  }

  /** Signals the child's process group; returns false if that has no process. */
  kill(signal: SignalName | number): boolean {
    // Throws also for a child that could not be started.
    const number = signalNumber(signal);
    const wasSent = this.#launched?.program.killGroup(signal) ?? false;
    if (wasSent && number !== 0) this.promises.endIsWanted = true;
    return wasSent;
  }

  stop(options: StopOptions | undefined): Promise<ProcessExit> {
    const { program } = this.#launched ?? {};
    const running = program === undefined || program.exit !== undefined ? [] : [program];
    return stop(running, options, async (wait) => {
      if (running.length > 0) this.promises.endIsWanted = true;
      // It resolves with undefined at a timeout only.
      return (await this.promises.join(wait)) as ProcessExit;
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
