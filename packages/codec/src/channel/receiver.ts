import { BusyError, ClosedError, type WaitOptions } from '@aiopipe/core';
import {
  nextTick,
  Pending,
  READABLE,
  refuse,
  setImmediate,
  type CarriedContext,
  type Descriptor,
  type Interest,
} from '@aiopipe/core/internal';
import { DecodeError } from '../errors.js';
import { type Follower } from './follower.js';
import { IncomingMessages, NOTHING } from './incoming-messages.js';
import { type MessageDecoder } from './message-codec.js';
import { type ChannelSettings } from './options.js';
import { type Check } from './validation.js';

/** A call that waits for a message. */
export interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A message, and the context of its `put()`. */
export interface MessageInContext {
  readonly value: unknown;
  readonly context: CarriedContext | undefined;
}

function through(pending: Waiting, made: (value: unknown) => unknown): Waiting {
  return {
    resolve: (value) => {
      pending.resolve(made(value));
    },
    reject: (error) => {
      pending.reject(error);
    },
  };
}

/** The receiving half of a channel: reads while a call waits, and gives each message to one `get()`, or all to a follower. */
export class Receiver {
  readonly #descriptor: Descriptor;
  readonly #messages: IncomingMessages;
  #waiting: Waiting[] = [];
  #follower: Follower | undefined;
  /** Whether the loop's next turn goes on with the calls that wait. */
  #goesOn = false;

  /** @param onBreak - called after bytes that cannot be understood: it must close the channel */
  constructor(
    descriptor: Descriptor,
    decoder: MessageDecoder,
    settings: ChannelSettings,
    onBreak: (error: Error) => void,
  ) {
    this.#descriptor = descriptor;
    this.#messages = new IncomingMessages(descriptor, decoder, settings, onBreak, () => {
      this.#serve();
    });
  }

  get messages(): IncomingMessages {
    return this.#messages;
  }

  /** How many calls wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  get isBusy(): boolean {
    return this.#waiting.length > 0 || this.#messages.isDecoding || this.#follower?.isBusy === true;
  }

  /** What takes all messages, if there is such a thing. */
  get follower(): Follower | undefined {
    return this.#follower;
  }

  /** Gives all messages to `follower` from the next turn of the event loop on, until the channel ends. */
  follow(follower: Follower): void {
    const refusal = this.followedError;
    if (refusal !== undefined) throw refusal;
    if (this.isBusy) throw new BusyError(`${this.#name}: a get() waits; ${follower.name} must be the only reader`);
    if (this.#messages.check !== undefined || this.#messages.isHeld) {
      throw new TypeError(
        `${this.#name} has a schema of validate(), which would check the messages of ${follower.name}`,
      );
    }
    this.#follower = follower;
    // A program may start several things on one channel before it hears of the first message.
    nextTick(() => {
      if (this.#follower === follower && this.#descriptor.isOpenFor(READABLE)) this.#goOn();
    });
  }

  /** The follower's `holdsLoop` has changed. */
  holdFollower(): void {
    if (this.#waits !== undefined) this.#update();
  }

  /** The error of other uses of a channel that has a follower. */
  get followedError(): BusyError | undefined {
    if (this.#follower === undefined) return undefined;
    return new BusyError(`${this.#name}: ${this.#follower.name} use this channel; use another channel for messages`);
  }

  /** Checks every message from now on. */
  set check(check: Check) {
    const refusal = this.followedError;
    if (refusal !== undefined) throw refusal;
    this.#messages.check = check;
  }

  /** Resolves with the next message, and the context of its `put()`. */
  getInContext(options: WaitOptions | undefined): Promise<MessageInContext> {
    // At once: when the promise is seen, the next message may have been given.
    return this.get(options, (value): MessageInContext => ({
      value,
      context: this.#messages.context,
    })) as Promise<MessageInContext>;
  }

  /** @param made - called with the message when it is given; the promise resolves with what it returns */
  get(options: WaitOptions | undefined, made?: (value: unknown) => unknown): Promise<unknown> {
    const refusal = this.#closedError() ?? this.followedError ?? refuse(options, undefined, this.#noMessage);
    if (refusal !== undefined) return Promise.reject(refusal);
    try {
      const value = this.getNow();
      if (value !== NOTHING) return Promise.resolve(made === undefined ? value : made(value));
    } catch (error) {
      return Promise.reject(error as Error);
    }
    const pending = new Pending<unknown>(options, this.#noMessage, () => {
      // A message that is here is in time, if only the turn's budget was used up. It settles the promise.
      if (this.#messages.turn.isOver && !options?.signal?.aborted) this.#goOn();
      this.leave(waiting);
    });
    const waiting = made === undefined ? pending : through(pending, made);
    this.#waiting.push(waiting);
    try {
      this.#update();
    } catch (error) {
      // The system refuses to watch the descriptor.
      this.leave(waiting);
      pending.reject(error as Error);
    }
    return pending.promise;
  }

  /** Returns the next message if it needs no wait, else {@link NOTHING}. Throws what `get()` would reject with. */
  getNow(): unknown {
    const refusal = this.followedError;
    if (refusal !== undefined) throw refusal;
    if (this.isBusy || this.#messages.turn.isOver) return NOTHING;
    try {
      return this.#messages.next(false);
    } finally {
      this.#serve();
    }
  }

  /** Adds a call that waits at other receivers, too. */
  enter(waiting: Waiting): void {
    const refusal = this.followedError;
    if (refusal !== undefined) {
      waiting.reject(refusal);
      return;
    }
    this.#waiting.push(waiting);
    if (!this.#messages.isDecoding) this.#serve();
  }

  leave(waiting: Waiting): void {
    const index = this.#waiting.indexOf(waiting);
    if (index >= 0) this.#waiting.splice(index, 1);
    this.#update();
  }

  /** Calls back once if no more messages come. While no call waits, it looks for the end without holding the event loop. */
  watch(onOver: (error: Error) => void): void {
    this.#messages.onOver = onOver;
    // Looks at once, too: the loop may end before it reports an end that has happened already.
    if (this.#watchesNow()) this.#watching.ready();
    else this.#update();
  }

  tryGet(): { value: unknown } | undefined {
    const refusal = this.#closedError() ?? this.followedError;
    if (refusal !== undefined) throw refusal;
    if (this.isBusy) return undefined;
    const value = this.#messages.nextAtOnce();
    this.#serve();
    return value === NOTHING ? undefined : { value };
  }

  #closedError(): ClosedError | undefined {
    return this.#descriptor.isOpenFor(READABLE) ? undefined : this.#descriptor.closedError();
  }

  /** The interest of the calls that wait, or of the follower; undefined if there are none. */
  get #waits(): Interest | undefined {
    if (this.#follower !== undefined) return this.#follower.holdsLoop ? this.#interest : this.#idleInterest;
    return this.#waiting.length > 0 && !this.#messages.isHeld ? this.#interest : undefined;
  }

  #update(): void {
    const waits = this.#waits;
    this.#descriptor.waitReadable(waits ?? (this.#watchesNow() ? this.#watching : undefined));
    if (waits === undefined || !this.#messages.turn.isOver || this.#goesOn) return;
    this.#goesOn = true;
    setImmediate(() => {
      this.#goesOn = false;
      if (this.#waits !== undefined) this.#goOn();
    });
  }

  #goOn(): void {
    this.#messages.isDrained = false;
    this.#messages.turn.begin();
    this.#serve();
  }

  /** Whether it must only look for the end. A message that has come is taken first. */
  #watchesNow(): boolean {
    const messages = this.#messages;
    if (messages.onOver === undefined || this.#waiting.length > 0 || this.#follower !== undefined) return false;
    if (messages.hasNews) return false;
    const end = messages.endNow();
    if (end === undefined) return true;
    messages.over(end);
    return false;
  }

  /** Gives messages that are there to the calls that wait. After a get that need not wait, its decoder may have made them. */
  #serve(): void {
    if (this.#follower !== undefined) {
      this.#serveFollower(this.#follower);
      return;
    }
    if (this.#waiting.length === 0) {
      if (this.#messages.onOver !== undefined) this.#update();
      return;
    }
    while (this.#waiting.length > 0 && !this.#messages.turn.isOver) {
      try {
        const value = this.#messages.next(true);
        if (value === NOTHING) break;
        const first = this.#waiting.shift();
        if (first !== undefined) first.resolve(value);
        // The message's own decoding has ended the wait.
        else this.#messages.putBack(value);
      } catch (error) {
        this.#waiting.shift()?.reject(error);
      }
    }
    this.#update();
  }

  #serveFollower(follower: Follower): void {
    // What it does with a message may close the channel.
    while (!this.#messages.turn.isOver && this.#descriptor.isOpenFor(READABLE)) {
      let value: unknown;
      try {
        value = this.#messages.next(true);
      } catch (error) {
        if (error instanceof DecodeError && !error.fatal) {
          follower.unbuilt(error, this.#messages.decoder.takeUnbuilt());
          continue;
        }
        this.endFollower(error as Error);
        break;
      }
      if (value === NOTHING) break;
      follower.take(value);
    }
    this.#update();
  }

  /** Nothing can be sent any more: gives the follower what has come already, and then `error`. */
  finishFollower(error: Error): void {
    this.#goOn();
    if (this.#messages.turn.isOver || !this.#descriptor.mayReadNow) {
      setImmediate(() => {
        this.finishFollower(error);
      });
    } else this.endFollower(error);
  }

  /** Tells the follower that no more messages come. Call it before the descriptor is closed. */
  endFollower(error = this.#messages.failure ?? new ClosedError(`${this.#name} was closed`)): void {
    const follower = this.#follower;
    this.#follower = undefined;
    follower?.ended(error);
  }

  /** While this is set at the descriptor, it keeps the channel from being collected. */
  readonly #interest: Interest = {
    ready: () => {
      // If the budget is used up, the next turn goes on: this would be a second budget in the same turn.
      if (!this.#goesOn) this.#goOn();
    },
    closed: () => {
      this.failAsClosed();
    },
  };

  /** The same for a follower that waits for nothing. */
  readonly #idleInterest: Interest = { ...this.#interest, holdsLoop: false };

  /** For {@link watch}: reads no further than one message. While this is set, it keeps the channel, too. */
  readonly #watching: Interest = {
    holdsLoop: false,
    ready: () => {
      this.#messages.isDrained = false;
      this.#messages.fill();
      this.#update();
    },
    closed: () => undefined,
  };

  /** Rejects the calls that wait. Call it before the descriptor is closed. */
  failAsClosed(): void {
    this.endFollower();
    const waiting = this.#waiting.splice(0);
    if (waiting.length === 0) return;
    const error = new ClosedError(`${this.#name} was closed while a get waited`);
    for (const pending of waiting) pending.reject(error);
  }

  readonly #noMessage = (): string => `${this.#name}: no message came`;

  get #name(): string {
    return this.#descriptor.toString();
  }
}
