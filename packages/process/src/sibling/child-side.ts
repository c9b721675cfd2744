import { QueueFullError, type Channel } from '@aiopipe/codec';
import { AiopipeError, ClosedError, type WaitOptions } from '@aiopipe/core';
import { handled, Pending } from '@aiopipe/core/internal';
import { MAX_CONNECTS, type FromSibling, type ToSibling } from '../control/protocol.js';
import { SupervisorError } from '../errors.js';
import { type SiblingCalls, type Taker } from '../target/sibling-calls.js';

/** A message to the parent; its `of` is added where it is sent. */
type Said = FromSibling extends infer Each ? (Each extends unknown ? Omit<Each, 'of'> : never) : never;

/** A connect that waits. */
interface Waiting {
  readonly pending: Pending<Channel>;
  /** Completes a sentence that begins with the sibling's name. */
  why: string;
}

/** The child's side of channels between siblings. */
export class ChildSide implements SiblingCalls {
  readonly #say: (message: Said) => void;
  readonly #hold: (holds: boolean) => void;
  #next = 0;
  readonly #waiting = new Map<number, Waiting>();
  readonly #takers = new Set<Taker>();
  #accepts = false;
  #isOver = false;

  /** @param hold - sets whether waiting for the parent keeps this process alive */
  constructor(say: (message: Said) => void, hold: (holds: boolean) => void) {
    this.#say = say;
    this.#hold = hold;
  }

  connect(to: string, key: string | number | undefined, options: WaitOptions): Promise<Channel> {
    if (this.#isOver) return handled(Promise.reject<Channel>(over()));
    if (this.#waiting.size === MAX_CONNECTS) {
      const what = `connectSibling(): ${String(MAX_CONNECTS)} calls wait already; await one of them before the next`;
      return handled(Promise.reject<Channel>(new QueueFullError(what)));
    }
    const number = this.#next++;
    const waiting: Waiting = {
      why: 'is not connected: the supervisor did not answer',
      pending: new Pending<Channel>(
        options,
        () => `sibling ${JSON.stringify(to)} ${waiting.why}`,
        () => {
          this.#waiting.delete(number);
          this.#say({ kind: 'withdraw', number });
          this.#holdWhileNeeded();
        },
      ),
    };
    this.#waiting.set(number, waiting);
    this.#say({ kind: 'connect', number, to, ...(key === undefined ? {} : { key }) });
    this.#holdWhileNeeded();
    return handled(waiting.pending.promise);
  }

  take(taker: Taker): void {
    if (this.#isOver) {
      taker.resolve(undefined);
      return;
    }
    this.#takers.add(taker);
    this.#acceptOne();
    this.#holdWhileNeeded();
  }

  forget(taker: Taker): void {
    this.#takers.delete(taker);
    this.#holdWhileNeeded();
  }

  /** One at a time: what is not taken here waits at the parent. */
  #acceptOne(): void {
    if (this.#accepts || this.#takers.size === 0) return;
    this.#accepts = true;
    this.#say({ kind: 'accept' });
  }

  hear(message: ToSibling): void {
    if (message.kind === 'waits') {
      const waiting = this.#waiting.get(message.number);
      if (waiting !== undefined) waiting.why = message.why;
      return;
    }
    if (message.kind === 'connected') this.#connected(message.number, message.channel);
    else if (message.kind === 'connection') this.#give(message.channel, message.from);
    else this.#refused(message.number, errorOf(message.code, message.message));
    this.#holdWhileNeeded();
  }

  #connected(number: number, channel: Channel): void {
    const waiting = this.#settled(number);
    // The call no longer waits: the sibling sees the end of the channel.
    if (waiting === undefined) channel[Symbol.dispose]();
    else waiting.resolve(channel);
  }

  #refused(number: number | undefined, error: Error): void {
    if (number !== undefined) {
      this.#settled(number)?.reject(error);
      return;
    }
    this.#accepts = false;
    for (const taker of this.#takers) taker.reject(error);
    this.#takers.clear();
  }

  #settled(number: number): Pending<Channel> | undefined {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    return waiting?.pending;
  }

  #give(channel: Channel, from: string | undefined): void {
    this.#accepts = false;
    const [taker] = this.#takers;
    if (!this.#isOver) this.#say({ kind: taker === undefined ? 'declined' : 'took' });
    if (taker === undefined) {
      // The loop that asked for it was left.
      channel[Symbol.dispose]();
      return;
    }
    this.#takers.delete(taker);
    taker.resolve({ channel, from });
    this.#acceptOne();
  }

  #holdWhileNeeded(): void {
    if (!this.#isOver) this.#hold(this.#waiting.size > 0 || this.#takers.size > 0);
  }

  /** Nothing more is said or heard: the child's function has ended, or its parent has. */
  end(): void {
    this.#isOver = true;
    for (const { pending } of this.#waiting.values()) pending.reject(over());
    this.#waiting.clear();
    for (const taker of this.#takers) taker.resolve(undefined);
    this.#takers.clear();
  }
}

const over = () => new ClosedError("the child's function has ended, or its supervisor has");

/** Makes the error that the parent has described. */
function errorOf(code: string, message: string): Error {
  if (code === 'ERR_AIOPIPE_CHILD_ID') return new SupervisorError(code, message);
  if (code === 'ERR_AIOPIPE_CLOSED') return new ClosedError(message);
  return new AiopipeError(code, message);
}
