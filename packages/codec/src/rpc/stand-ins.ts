import { ClosedError } from '@aiopipe/core';
import { show } from '@aiopipe/core/internal';
import { type CallSender } from './call-sender.js';
import { type CallSettings } from './outgoing-call.js';
import { type OutgoingCalls } from './outgoing-calls.js';
import { MOST_FUNCTIONS, RELEASE, RETAIN, isId, type FunctionPlace } from './protocol.js';
import { remoteFunction } from './remote-function.js';

/** The call that a function came with. */
export interface Lending {
  readonly isOver: boolean;
}

const standIns = new WeakMap<object, StandIn>();

/** Lets the peer forget a function that it was kept for, when this side has dropped it. */
const dropped = new FinalizationRegistry<StandIn>((standIn) => {
  standIn.release();
});

/** A function of the peer's, on this side. */
class StandIn {
  readonly #sender: CallSender;
  readonly #outgoing: OutgoingCalls;
  readonly #lending: Lending;
  readonly #id: number;
  readonly #settings: CallSettings;
  #state: 'lent' | 'retained' | 'released' = 'lent';

  constructor(sender: CallSender, outgoing: OutgoingCalls, lending: Lending, id: number, settings: CallSettings) {
    this.#sender = sender;
    this.#outgoing = outgoing;
    this.#lending = lending;
    this.#id = id;
    this.#settings = settings;
  }

  call(args: readonly unknown[], options: object | undefined): Promise<unknown> {
    const refusal = this.#isCallable ? undefined : this.#ended();
    return this.#outgoing.call(this.#id, args, options, this.#settings, refusal);
  }

  retain(): void {
    if (this.#state === 'retained') return;
    if (!this.#isCallable) throw this.#ended();
    this.#state = 'retained';
    this.#sender.post([RETAIN, this.#id]);
  }

  release(): void {
    if (this.#state === 'retained') this.#sender.post([RELEASE, this.#id]);
    this.#state = 'released';
  }

  get #isCallable(): boolean {
    return this.#state === 'retained' || (this.#state === 'lent' && !this.#lending.isOver);
  }

  #ended(): ClosedError {
    return new ClosedError(
      this.#state === 'released'
        ? `${this.#sender.name}: the function was released`
        : `${this.#sender.name}: the call that the function came with has ended: keep the function with retain()`,
    );
  }
}

/** Puts the functions of a call into its arguments. Returns the rule that the message breaks, if it does. */
export function putFunctions(
  args: readonly unknown[],
  places: unknown,
  make: (id: number) => unknown,
): string | undefined {
  if (!Array.isArray(places) || places.length > MOST_FUNCTIONS) return 'a call with a malformed list of functions';
  for (const place of places as unknown[]) {
    if (!isPlace(place)) return 'a function with a malformed place';
    const [index, key] = place;
    const holder: unknown = place.length === 2 ? args : args[index];
    const name = place.length === 2 ? index : (key as string);
    if (!isHolder(holder, args) || !Object.hasOwn(holder, name)) return NO_PLACE;
    // A decoder of the program's may have frozen it.
    if (!Reflect.defineProperty(holder, name, { value: make(place.at(-1) as number) })) return NO_PLACE;
  }
  return undefined;
}

const NO_PLACE = 'a function at a place that the arguments do not have';

/** Whether it is the list of arguments, or a plain object. Other lists have no functions; their `length` must stay. */
function isHolder(value: unknown, args: readonly unknown[]): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return value === args || [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null);
}

function isPlace(place: unknown): place is FunctionPlace {
  if (!Array.isArray(place)) return false;
  const [index, key] = place as unknown[];
  if (!Number.isSafeInteger(index) || !isId(place.at(-1))) return false;
  return place.length === 2 || (place.length === 3 && typeof key === 'string');
}

/** Makes the function that stands for one of the peer's. */
export function standIn(
  sender: CallSender,
  outgoing: OutgoingCalls,
  lending: Lending,
  id: number,
  settings: CallSettings,
): object {
  const standIn = new StandIn(sender, outgoing, lending, id, settings);
  const made = remoteFunction((args, options) => standIn.call(args, options));
  standIns.set(made, standIn);
  return made;
}

/**
 * Keeps a function that came in the arguments of a call: it stays callable after the end of the call, until the channel ends,
 * it is disposed of, or it is dropped and collected. Call it while the call runs. Returns the same function.
 *
 * @throws TypeError if the function did not come with a call
 * @throws ClosedError if the call has ended
 *
 * @example
 * ```ts
 * import { channel, expose, proxy, retain } from '@aiopipe/codec';
 *
 * type Listener = (event: string) => void;
 * const listeners = new Set<Listener>();
 * const service = { subscribe: (listener: Listener) => void listeners.add(retain(listener)) };
 * const [here, there] = channel({ duplex: true });
 * expose(there, service);
 * await proxy<typeof service>(here).subscribe((event) => console.log(event));
 * for (const listener of listeners) await listener('saved'); // after the call has ended
 * here.close();
 * ```
 * ```text
 * saved
 * ```
 */
export function retain<F extends (...args: never) => unknown>(callback: F): F & Disposable {
  const standIn = typeof callback === 'function' ? standIns.get(callback) : undefined;
  if (standIn === undefined) {
    throw new TypeError(`retain: expected a function that came with a call, not ${show(callback)}`);
  }
  standIn.retain();
  dropped.register(callback, standIn);
  return Object.assign(callback, {
    [Symbol.dispose]: () => {
      standIn.release();
    },
  });
}
