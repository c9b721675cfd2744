import { type WaitOptions } from '@aiopipe/core';
import { injectContext, refuse, withStackLimit } from '@aiopipe/core/internal';
import { closeHandles } from '../moving/close-handles.js';
import { renamePath } from '../serializer/rename-path.js';
import { rpcCall, rpcMessage, type RpcCall } from './events.js';
import { type GivenFunctions } from './given-functions.js';
import { type CallSender } from './call-sender.js';
import { NOT_SENT, OutgoingCall, type CallOwner, type CallSettings } from './outgoing-call.js';
import { CALL, CANCEL, CREDIT, ERROR, ITEM, RESULT, STREAM } from './protocol.js';

/** The calls of this side that the peer has not answered. */
export class OutgoingCalls implements CallOwner {
  readonly #sender: CallSender;
  readonly #given: GivenFunctions;
  readonly #open = new Map<number, OutgoingCall>();
  #next = 1;

  constructor(sender: CallSender, given: GivenFunctions) {
    this.#sender = sender;
    this.#given = given;
  }

  get size(): number {
    return this.#open.size;
  }

  get name(): string {
    return this.#sender.name;
  }

  /**
   * Calls a method of the peer, or one of its functions. The promise is marked as handled.
   *
   * @param refused - makes no call: the promise rejects with it
   */
  call(
    target: string | number,
    args: readonly unknown[],
    options: WaitOptions | undefined,
    settings: CallSettings,
    refused?: Error,
  ): Promise<unknown> {
    if (!rpcCall.isObserved) return this.#call(target, args, options, settings, refused, undefined);
    const traced = rpcMessage(this.name, target);
    return rpcCall.call(traced, () => this.#call(target, args, options, settings, refused, traced));
  }

  #call(
    target: string | number,
    args: readonly unknown[],
    options: WaitOptions | undefined,
    settings: CallSettings,
    refused: Error | undefined,
    traced: RpcCall | undefined,
  ): Promise<unknown> {
    const refusal =
      this.#sender.over ?? refused ?? (options && refuse(options, undefined, () => `${this.name}: a call`));
    if (refusal !== undefined) return this.#refused(target, settings, refusal, traced);
    let emptied, id;
    try {
      emptied = this.#given.take(args);
      // Not before: a getter in the arguments may have made a call of its own.
      id = this.#next;
      const context = injectContext();
      const sent = emptied?.args ?? args;
      const places = emptied?.places;
      if (context !== undefined) this.#sender.send([CALL, id, target, sent, places ?? [], context]);
      else this.#sender.send(places === undefined ? [CALL, id, target, sent] : [CALL, id, target, sent, places]);
    } catch (error) {
      if (emptied !== undefined) this.#given.callEnded(emptied.places);
      return this.#refused(target, settings, renamePath(error, 'value[3]', 'args'), traced);
    }
    this.#next = id + 1;
    const call = new OutgoingCall(this, id, target, emptied?.places, options, settings, traced);
    this.#open.set(id, call);
    if (this.#open.size === 1) this.#sender.updateHold();
    return call.promise();
  }

  /** Returns a call that has failed, as a promise and as a generator. */
  #refused(
    target: string | number,
    settings: CallSettings,
    error: unknown,
    traced: RpcCall | undefined,
  ): Promise<unknown> {
    const call = new OutgoingCall(this, NOT_SENT, target, undefined, undefined, settings, traced);
    const promise = call.promise();
    const { over } = this.#sender;
    if (over !== undefined && error === over) call.channelEnded(over);
    else call.fail(error);
    return promise;
  }

  /** Takes in an answer. Returns the rule that it breaks, if it does. */
  heard(kind: number, id: number, value: unknown): string | undefined {
    const call = this.#open.get(id);
    if (call === undefined) {
      if (id >= this.#next) return `an answer to call ${String(id)}, which was not made`;
      // The call was cancelled when the answer was on its way.
      closeHandles(value);
      return undefined;
    }
    switch (kind) {
      case RESULT:
        this.#forget(call);
        call.result(value);
        return undefined;
      case ERROR:
        this.#forget(call);
        call.fail(this.#sender.errorOf(value));
        return undefined;
      case STREAM:
        return call.stream() ? undefined : `call ${String(id)} became a generator twice`;
      default:
        return call.item(value) ? undefined : `an item of call ${String(id)} that was not asked for`;
    }
  }

  /** An answer came that cannot be built here. */
  unbuilt(kind: number, id: number, error: Error): void {
    const call = this.#open.get(id);
    if (call === undefined) return;
    this.#forget(call);
    if (kind === ITEM) this.#sender.post([CANCEL, id]);
    call.fail(error);
  }

  allowed(call: OutgoingCall, count: number): void {
    if (this.#open.has(call.id)) this.#sender.post([CREDIT, call.id, count]);
  }

  cancelled(call: OutgoingCall, reason: unknown): void {
    if (!this.#open.has(call.id)) return;
    this.#forget(call);
    this.#sender.postCancel(call.id, reason);
  }

  end(error: Error): void {
    const calls = [...this.#open.values()];
    this.#open.clear();
    // Many calls may be open, and a stack of this code says nothing.
    withStackLimit(0, () => {
      for (const call of calls) call.channelEnded(error);
    });
  }

  #forget(call: OutgoingCall): void {
    this.#open.delete(call.id);
    if (call.places !== undefined) this.#given.callEnded(call.places);
    if (this.#open.size === 0) this.#sender.updateHold();
  }
}
