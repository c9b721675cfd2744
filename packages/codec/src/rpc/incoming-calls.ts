import { AbortError, AiopipeError, ClosedError } from '@aiopipe/core';
import { isThenable, readContext, runInContext, show } from '@aiopipe/core/internal';
import { types } from 'node:util';
import { type Check } from '../channel/validation.js';
import { QueueFullError } from '../errors.js';
import { closeHandles } from '../moving/close-handles.js';
import { renamePath } from '../serializer/rename-path.js';
import { rpcMessage, rpcServe } from './events.js';
import { type GivenFunctions } from './given-functions.js';
import { IncomingCall } from './incoming-call.js';
import { type CallSender } from './call-sender.js';
import { type AnyFunction } from './methods.js';
import { type CallSettings } from './outgoing-call.js';
import { type OutgoingCalls } from './outgoing-calls.js';
import { isGenerator, sendItems } from './produce.js';
import { RESULT } from './protocol.js';
import { putFunctions, standIn } from './stand-ins.js';

/** What this side serves. */
export interface Service {
  readonly object: object;
  readonly methods: ReadonlyMap<string, AnyFunction>;
  /** The checks of arguments, by the names of methods. */
  readonly checks: ReadonlyMap<string, Check> | undefined;
}

interface Callee {
  readonly run: AnyFunction;
  readonly self: unknown;
  readonly check: Check | undefined;
  /** For errors. */
  readonly name: string;
}

/** A call that has not begun. */
interface HeldCall {
  readonly call: IncomingCall;
  readonly callee: Callee;
  readonly args: unknown[];
}

/** The calls of the peer that have not ended here. */
export class IncomingCalls {
  readonly #sender: CallSender;
  readonly #outgoing: OutgoingCalls;
  readonly #given: GivenFunctions;
  readonly #settings: CallSettings;
  readonly #open = new Map<number, IncomingCall>();
  /** The open calls that begin when the channel has room for answers. */
  readonly #held: HeldCall[] = [];
  /** Ids of calls ascend. */
  #last = 0;
  service: Service | undefined;
  /** How many calls may run at once. */
  limit: number;

  constructor(
    sender: CallSender,
    outgoing: OutgoingCalls,
    given: GivenFunctions,
    settings: CallSettings,
    limit: number,
  ) {
    this.#sender = sender;
    this.#outgoing = outgoing;
    this.#given = given;
    this.#settings = settings;
    this.limit = limit;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Takes in a call. Returns the rule that the message breaks, if it does. */
  heardCall(id: number, target: unknown, args: unknown, places: unknown, context: unknown): string | undefined {
    if (!this.skip(id)) return `call ${String(id)} after call ${String(this.#last)}`;
    if (!Array.isArray(args)) return 'a call without a list of arguments';
    if (typeof target !== 'string' && typeof target !== 'number') return 'a call of something else than a method';
    const callee = this.#open.size >= this.limit ? this.#tooMany() : this.#find(target);
    if (callee instanceof Error) {
      closeHandles(args);
      this.refuse(id, callee);
      return undefined;
    }
    const call = runInContext(readContext(context), () => this.#makeCall(id, target));
    if (places !== undefined) {
      const make = (functionId: number) => standIn(this.#sender, this.#outgoing, call, functionId, this.#settings);
      const broken = putFunctions(args, places, make);
      if (broken !== undefined) return broken;
    }
    this.#open.set(id, call);
    if (this.#held.length === 0 && !this.#sender.isBusy) this.#start(call, callee, args);
    else this.#hold({ call, callee, args });
    return undefined;
  }

  /** A call keeps the context in which it is made: its code runs in that. */
  #makeCall(id: number, target: string | number): IncomingCall {
    if (!rpcServe.isObserved) return new IncomingCall(id, undefined);
    const traced = rpcMessage(this.#sender.name, target);
    return rpcServe.call(traced, () => new IncomingCall(id, traced));
  }

  /** A peer that does not read the answers to its calls gets no further ones: each could be as large as a message. */
  #hold(held: HeldCall): void {
    if (this.#held.push(held) === 1) void this.#startHeld();
  }

  async #startHeld(): Promise<void> {
    while (this.#held.length > 0) {
      await this.#sender.drained();
      while (!this.#sender.isBusy) {
        const held = this.#held.shift();
        if (held === undefined) return;
        const { call, callee, args } = held;
        if (call.isCancelled) this.#leave(call, args);
        else this.#start(call, callee, args);
      }
    }
  }

  #start(call: IncomingCall, callee: Callee, args: unknown[]): void {
    if (callee.check === undefined) this.#begin(call, callee, args);
    else void this.#checkAndBegin(call, callee, args, callee.check);
  }

  /** Ends a call that has not begun: its caller no longer waits. */
  #leave(call: IncomingCall, args: unknown[]): void {
    closeHandles(args);
    this.#forget(call);
    call.failed(new AbortError('the caller stopped waiting before the call began'));
  }

  /** Passes over the id of a call. Returns false if it breaks the rule that ids ascend. */
  skip(id: number): boolean {
    if (id <= this.#last) return false;
    this.#last = id;
    return true;
  }

  /** Answers a call that does not run. */
  refuse(id: number, error: Error): void {
    this.#sender.postError(id, error);
  }

  #tooMany(): Error {
    return new QueueFullError(
      `more than ${String(this.limit)} calls are open on one channel (maxCalls of expose()); ` +
        'await calls before you make more, or raise maxCalls',
    );
  }

  #find(target: string | number): Callee | Error {
    if (typeof target === 'number') {
      const run = this.#given.get(target);
      if (run !== undefined) return { run, self: undefined, check: undefined, name: 'function' };
      return new ClosedError(
        'the function can no longer be called: its call has ended, and it was not kept with retain()',
      );
    }
    const { service } = this;
    const run = service?.methods.get(target);
    if (service !== undefined && run !== undefined) {
      return { run, self: service.object, check: service.checks?.get(target), name: target };
    }
    const reason =
      service === undefined
        ? 'the other side exposes no object: call expose() there'
        : 'the exposed object has no such method; getters and fields are no methods';
    return new AiopipeError('ERR_AIOPIPE_NO_METHOD', `${show(target)}: ${reason}`);
  }

  async #checkAndBegin(call: IncomingCall, callee: Callee, args: unknown[], check: Check): Promise<void> {
    let checked: unknown;
    try {
      checked = await check(args);
      if (!Array.isArray(checked)) {
        throw new TypeError(
          `schemas.${callee.name}: expected an array of arguments from the schema, not ${show(checked)}`,
        );
      }
    } catch (error) {
      closeHandles(args);
      this.#fail(call, error);
      return;
    }
    if (call.isCancelled) this.#leave(call, args);
    else this.#begin(call, callee, checked);
  }

  #begin(call: IncomingCall, { run, self }: Callee, args: readonly unknown[]): void {
    let value: unknown;
    try {
      value = call.run(run, self, args);
      if (isThenable(value)) {
        this.#await(call, value);
        return;
      }
    } catch (error) {
      this.#fail(call, error);
      return;
    }
    this.#answer(call, value);
  }

  /** Throws what a `then()` of the program's own throws. */
  #await(call: IncomingCall, value: PromiseLike<unknown>): void {
    const promise = types.isPromise(value) ? value : Promise.resolve(value);
    promise.then(
      (settled) => {
        this.#answer(call, settled);
      },
      (error: unknown) => {
        this.#fail(call, error);
      },
    );
  }

  #answer(call: IncomingCall, value: unknown): void {
    if (isGenerator(value)) {
      void this.#stream(call, value);
      return;
    }
    this.#forget(call);
    call.succeeded();
    if (call.isCancelled) {
      this.#sender.dropResult(value);
      return;
    }
    this.#sender.post(value === undefined ? [RESULT, call.id] : [RESULT, call.id, value], (error) => {
      this.refuse(call.id, renamePath(error, 'value[2]', 'result') as Error);
    });
  }

  async #stream(call: IncomingCall, generator: AsyncIterable<unknown> | Iterable<unknown>): Promise<void> {
    try {
      this.#answer(call, await sendItems(this.#sender, call, generator));
    } catch (error) {
      this.#fail(call, error);
    }
  }

  #fail(call: IncomingCall, error: unknown): void {
    this.#forget(call);
    call.failed(error);
    if (!call.isCancelled) this.#sender.postError(call.id, error);
  }

  #forget(call: IncomingCall): void {
    call.isOver = true;
    this.#open.delete(call.id);
  }

  /** The caller no longer waits. A call that is over is not affected. */
  cancel(id: number, reason: unknown): void {
    const call = this.#open.get(id);
    if (call === undefined) return;
    call.cancel(reason === undefined ? undefined : this.#sender.errorOf(reason));
  }

  /** The caller takes so many more items. */
  allow(id: number, count: number): void {
    this.#open.get(id)?.allow(count);
  }

  end(error: Error): void {
    for (const call of this.#open.values()) call.cancel(error);
    for (const { call, args } of this.#held.splice(0)) this.#leave(call, args);
  }
}
