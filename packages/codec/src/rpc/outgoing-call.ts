import { IncompleteReadError, TimeoutError, type WaitOptions } from '@aiopipe/core';
import { handled, Pending } from '@aiopipe/core/internal';
import { type Check } from '../channel/validation.js';
import { EndOfStreamError } from '../errors.js';
import { closeHandles } from '../moving/close-handles.js';
import { rpcCall, type RpcCall } from './events.js';
import { Items } from './items.js';
import { type FunctionPlace } from './protocol.js';
import { RemoteCall } from './remote-call.js';
import { RemoteGenerator } from './remote-generator.js';

/** The id of a call of which the peer hears nothing. */
export const NOT_SENT = 0;

/** What all calls of one proxy have in common. */
export interface CallSettings {
  /** How many items a generator may send ahead. */
  readonly window: number;
  /** The checks of results, by the names of methods. */
  readonly checks: ReadonlyMap<string, Check> | undefined;
}

/** What a call does to the calls of its channel. */
export interface CallOwner {
  /** The call is over here; `reason` goes to the peer. */
  cancelled(call: OutgoingCall, reason: unknown): void;
  allowed(call: OutgoingCall, count: number): void;
  /** The name of the channel. */
  readonly name: string;
}

type RemoteItems = AsyncGenerator<unknown, unknown, undefined>;

/** A call that waits for the peer. It is settled once: its owner forgets it then. */
export class OutgoingCall {
  readonly id: number;
  readonly places: readonly FunctionPlace[] | undefined;
  readonly #owner: CallOwner;
  readonly #target: string | number;
  readonly #options: WaitOptions | undefined;
  readonly #settings: CallSettings;
  /** The message of its events, until it is over; undefined if nothing observes calls. */
  #traced: RpcCall | undefined;
  /** Given up once it is resolved with a generator, which it would hold. */
  #pending: Pending<unknown> | undefined;
  #items: Items | undefined;
  #failure: { readonly error: unknown } | undefined;
  /** Whether the method returned no generator: a loop over its items fails. */
  #isPlain = false;
  /** Weak: if the program drops the generator, it ends on the other side. */
  #generator: WeakRef<RemoteGenerator> | undefined;

  constructor(
    owner: CallOwner,
    id: number,
    target: string | number,
    places: readonly FunctionPlace[] | undefined,
    options: WaitOptions | undefined,
    settings: CallSettings,
    traced: RpcCall | undefined,
  ) {
    this.#traced = traced;
    this.#owner = owner;
    this.id = id;
    this.#target = target;
    this.places = places;
    this.#options = options;
    this.#settings = settings;
    this.#pending = options === undefined ? new Pending() : new Pending(options, this.#what, this.#giveUp);
  }

  /** Returns the promise for the program. */
  promise(): RemoteCall<unknown> {
    return RemoteCall.make((this.#pending as Pending<unknown>).promise, this);
  }

  /** Begins to take items. The answer tells later whether there are any. */
  iterate(): RemoteItems {
    return this.#generatorNow()[Symbol.asyncIterator]() as RemoteItems;
  }

  result(value: unknown): void {
    const pending = this.#pending;
    this.#isOver();
    if (pending === undefined) {
      this.#items?.finish(value);
      return;
    }
    this.#isPlain = true;
    this.#items?.fail(this.#noGenerator());
    const check = this.#check;
    if (check === undefined) pending.resolve(value);
    else void resolveChecked(pending, check, value);
  }

  fail(error: unknown): void {
    this.#isOver({ error });
    this.#failItems(error);
    if (this.#pending !== undefined) reject(this.#pending, error);
  }

  /** The channel is over. If the peer has ended it, the error says which call has no answer. */
  channelEnded(error: Error): void {
    const isByPeer = error instanceof EndOfStreamError || error instanceof IncompleteReadError;
    this.fail(isByPeer ? new EndOfStreamError(this.#whatIsLost(), { cause: error }) : error);
  }

  #whatIsLost(): string {
    const peer = `${this.#owner.name}: the peer closed the channel, or died,`;
    if (this.id === NOT_SENT) return `${peer} so ${this.#call()} cannot be called`;
    return this.#pending === undefined
      ? `${peer} before ${this.#call()} had yielded all items`
      : `${peer} before it answered ${this.#call()}`;
  }

  /** Publishes the outcome, once. */
  #isOver(failure?: { readonly error: unknown }): void {
    const traced = this.#traced;
    if (traced === undefined) return;
    this.#traced = undefined;
    if (failure === undefined) rpcCall.succeed(traced);
    else rpcCall.fail(traced, failure.error);
  }

  /** No items come, also if the loop begins later. */
  #failItems(error: unknown): void {
    this.#failure ??= { error };
    this.#items?.fail(error);
  }

  /** The method returned a generator. Returns false if it has done so before. */
  stream(): boolean {
    if (this.#pending === undefined) return false;
    this.#pending.resolve(this.#generatorNow());
    this.#pending = undefined;
    return true;
  }

  /** Takes an item. Returns false if none may come. */
  item(value: unknown): boolean {
    return this.#pending === undefined && this.#items?.add(value) === true;
  }

  #generatorNow(): RemoteGenerator {
    const known = this.#generator?.deref();
    if (known !== undefined) return known;
    this.#items ??= new Items(
      {
        allow: (count) => {
          this.#owner.allowed(this, count);
        },
        leave: (reason) => {
          this.#isOver();
          this.#owner.cancelled(this, reason);
        },
      },
      this.#settings.window,
      this.#options,
      this.#check,
      this.#whatOfItem,
    );
    if (this.#failure !== undefined) this.#items.fail(this.#failure.error);
    else if (this.#isPlain) this.#items.fail(this.#noGenerator());
    const generator = new RemoteGenerator(this.#items);
    this.#generator = new WeakRef(generator);
    return generator;
  }

  /** Made only for a loop: with its stack, an error costs as much as the rest of a call. */
  #noGenerator(): TypeError {
    return new TypeError(`${this.#call()} returned no generator: await it, without for await`);
  }

  get #check(): Check | undefined {
    return typeof this.#target === 'string' ? this.#settings.checks?.get(this.#target) : undefined;
  }

  /** A signal or a timeout has ended the wait. */
  readonly #giveUp = (): void => {
    if (this.#pending !== undefined) void handled(this.#pending.promise);
    const { signal, timeout } = this.#options ?? {};
    const reason: unknown = signal?.aborted
      ? signal.reason
      : new TimeoutError(`the caller of ${this.#call()} waited for ${String(timeout)} ms`);
    this.#isOver({ error: reason });
    this.#failItems(reason);
    this.#owner.cancelled(this, reason);
  };

  #call(): string {
    return typeof this.#target === 'string' ? `${this.#target}()` : 'the function';
  }

  readonly #what = (): string => `${this.#owner.name}: ${this.#call()} was not answered`;

  readonly #whatOfItem = (): string => `${this.#owner.name}: ${this.#call()} yielded no item`;
}

/** The promise of a call that fails is marked as handled, as that of a put is. */
function reject(pending: Pending<unknown>, error: unknown): void {
  void handled(pending.promise);
  pending.reject(error);
}

async function resolveChecked(pending: Pending<unknown>, check: Check, value: unknown): Promise<void> {
  try {
    pending.resolve(await check(value));
  } catch (error) {
    closeHandles(value);
    reject(pending, error);
  }
}
