import { AiopipeError, BusyError, ClosedError } from '@aiopipe/core';
import { HANDLE, isHandle, nextTick, Pending, handled, show } from '@aiopipe/core/internal';
import { type Channel, watchSends } from '../channel/channel.js';
import { type Follower } from '../channel/follower.js';
import { EndOfStreamError, type DecodeError } from '../errors.js';
import { GivenFunctions } from './given-functions.js';
import { IncomingCalls, type Service } from './incoming-calls.js';
import { CallSender } from './call-sender.js';
import { DEFAULT_MAX_CALLS, DEFAULT_MAX_FUNCTIONS, DEFAULT_WINDOW } from './options.js';
import { OutgoingCalls } from './outgoing-calls.js';
import { CALL, CANCEL, CREDIT, ERROR, isId, ITEM, RELEASE, RESULT, RETAIN, STREAM } from './protocol.js';

/**
 * A channel of any messages, as a parameter.
 *
 * @see the example of {@link expose}
 */
export type AnyChannel = Channel<never, unknown>;

/** The calls of one channel, in both directions. It is the only reader of the channel. */
export class Connection implements Follower {
  readonly name = 'calls (expose() or proxy())';
  readonly #sender: CallSender;
  readonly #given = new GivenFunctions(DEFAULT_MAX_FUNCTIONS);
  readonly outgoing: OutgoingCalls;
  readonly #incoming: IncomingCalls;
  #served: Pending<void> | undefined;

  constructor(channel: Channel) {
    this.#sender = new CallSender(channel, (error) => {
      this.#break(error);
    });
    this.outgoing = new OutgoingCalls(this.#sender, this.#given);
    const settings = { window: DEFAULT_WINDOW, checks: undefined };
    this.#incoming = new IncomingCalls(this.#sender, this.outgoing, this.#given, settings, DEFAULT_MAX_CALLS);
    channel.incoming?.follow(this);
    watchSends(channel, (error) => {
      // The failure may come out of a send of the program's.
      nextTick(() => {
        if (this.#sender.over === undefined) channel.incoming?.finishFollower(error);
      });
    });
  }

  get isBusy(): boolean {
    return this.outgoing.size > 0 || this.#incoming.size > 0 || this.#sender.isBusy;
  }

  get holdsLoop(): boolean {
    return this.#served !== undefined || this.outgoing.size > 0 || this.#given.areRetained;
  }

  set maxFunctions(limit: number) {
    this.#given.limit = limit;
  }

  /** Serves an object until `stop()`. The promise tells when it is no longer served, as `Exposed.closed` says. */
  serve(service: Service, maxCalls: number): Promise<void> {
    if (this.#served !== undefined) {
      throw new BusyError(`${this.#sender.name} exposes an object already: close() that first`);
    }
    const served = new Pending<void>();
    void handled(served.promise);
    if (this.#sender.over !== undefined) {
      settle(served, this.#sender.over);
      return served.promise;
    }
    this.#incoming.service = service;
    this.#incoming.limit = maxCalls;
    this.#served = served;
    this.#sender.updateHold();
    return served.promise;
  }

  stop(service: Service): void {
    if (this.#incoming.service !== service) return;
    this.#incoming.service = undefined;
    this.#served?.resolve();
    this.#served = undefined;
    this.#sender.updateHold();
  }

  take(message: unknown): void {
    const broken = Array.isArray(message) ? this.#heard(message) : 'a message that is no array';
    if (broken === undefined) return;
    const rule = `${this.#sender.name}: the peer broke the protocol of calls: ${broken}`;
    this.#break(new AiopipeError('ERR_AIOPIPE_PROTOCOL', rule));
  }

  /** Returns the rule that the message breaks, if it does. */
  #heard(message: readonly unknown[]): string | undefined {
    const [kind, id, third, args, places, context] = message;
    if (!isId(id)) return 'a message without an id';
    switch (kind) {
      case CALL:
        return this.#incoming.heardCall(id, third, args, places, context);
      case RESULT:
      case ERROR:
      case STREAM:
      case ITEM:
        return this.outgoing.heard(kind, id, third);
      case CANCEL:
        this.#incoming.cancel(id, third);
        return undefined;
      case CREDIT:
        if (!isId(third)) return 'a credit without a count';
        this.#incoming.allow(id, third);
        return undefined;
      case RETAIN:
        this.#given.retain(id);
        this.#sender.updateHold();
        return undefined;
      case RELEASE:
        this.#given.release(id);
        this.#sender.updateHold();
        return undefined;
      default:
        return `a message of the unknown kind ${show(kind)}`;
    }
  }

  unbuilt(error: DecodeError, rest: unknown): void {
    const [kind, id] = Array.isArray(rest) ? (rest as unknown[]) : [];
    if (!isId(id)) this.#break(error);
    else if (kind === CALL) {
      if (this.#incoming.skip(id)) this.#incoming.refuse(id, error);
      else this.#break(error);
    } else if (kind === RESULT || kind === ITEM) this.outgoing.unbuilt(kind, id, error);
    else this.#break(error);
  }

  #break(error: Error): void {
    this.ended(error);
    this.#sender.channel.break(error);
  }

  ended(error: Error): void {
    if (this.#sender.over !== undefined) return;
    this.#sender.end(error);
    this.#given.clear();
    this.#incoming.service = undefined;
    this.outgoing.end(error);
    this.#incoming.end(error);
    if (this.#served !== undefined) settle(this.#served, error);
    this.#served = undefined;
  }
}

function settle(served: Pending<void>, error: Error): void {
  if (error instanceof EndOfStreamError || error instanceof ClosedError) served.resolve();
  else served.reject(error);
}

const connections = new WeakMap<object, Connection>();

/** Returns the calls of a channel, which from now on reads the channel. Throws TypeError for anything else. */
export function connectionOf(channel: AnyChannel, call: string): Connection {
  const known = connections.get(channel);
  if (known !== undefined) return known;
  const given = channel as unknown;
  if (!isHandle(given) || given[HANDLE]().kind !== 'Channel') {
    throw new TypeError(`${call}: expected a Channel of channel({ duplex: true }), not ${show(given)}`);
  }
  if (channel.isClosed) throw channel.closedError();
  const { encoder, decoder } = channel.settings;
  if (encoder === null || decoder === null) {
    throw new TypeError(`${call}: ${channel.name} carries only bytes (encoder or decoder null), and calls are values`);
  }
  const connection = new Connection(channel as unknown as Channel);
  connections.set(channel, connection);
  return connection;
}
