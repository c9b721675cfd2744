import { constants } from 'node:os';
import { ClosedError, SystemError, type WaitOptions } from '@aiopipe/core';
import {
  acceptLocal,
  closeWhenDropped,
  Descriptor,
  EAGAIN,
  forget,
  LOCAL_SOCKET,
  OwnedFd,
  Pending,
  READABLE,
  refuse,
  setImmediate,
  SiteWarnings,
  Timer,
  type Interest,
  type Listening,
} from '@aiopipe/core/internal';
import { Admission } from './admission.js';
import { BUFFER_SIZE, Channel, namePeer, orClosed } from '../channel/channel.js';
import { type ChannelSettings } from '../channel/options.js';
import { Turn } from '../channel/turn.js';
import { HubIterator } from './hub-iterator.js';
import { type ListenSettings, type Peer } from './options.js';

/**
 * A process that has connected to a hub.
 *
 * @see the example of {@link listen}
 */
export interface Connection<Send = unknown, Receive = Send> {
  /** The channel to it. You own it: close it, or dispose of it. */
  readonly channel: Channel<Send, Receive>;
  /** The process, from the kernel. */
  readonly peer: Peer;
}

const ECONNABORTED = -constants.errno.ECONNABORTED;
const { EMFILE, ENFILE, ENOBUFS, ENOMEM } = constants.errno;
/** The call fails, and the connection stays in the backlog. */
const SHORTAGES = new Set([-EMFILE, -ENFILE, -ENOBUFS, -ENOMEM]);
/** No event tells that there are descriptors again. So a hub that lacks them tries again, after so many milliseconds. */
const SHORTAGE_PAUSE = 50;

const warnings = new SiteWarnings('AIOPIPE_ACCEPT_WAITS', (origin, count, first) =>
  count === 1 ? first : `${first} (${String(count)} times, for hubs ${origin})`,
);

/**
 * Accepts connections of other processes at a path. `listen()` makes it.
 *
 * It takes a connection from the kernel only if a call asks for one: others wait in the backlog.
 *
 * @example
 * ```ts
 * import { connect, listen } from '@aiopipe/codec';
 *
 * const hub = listen<string>('hub.sock');
 * const clients = [await connect<string>('hub.sock'), await connect<string>('hub.sock')];
 * for (const client of clients) await client.put('hello');
 * for await (const { channel } of hub) {
 *   console.log(await channel.get());
 *   channel.close();
 *   clients.pop()?.[Symbol.dispose]();
 *   if (clients.length === 0) hub.close(); // ends the loop
 * }
 * ```
 * ```text
 * hello
 * hello
 * ```
 */
export class Hub<Send = unknown, Receive = Send> implements Disposable {
  /** The absolute path of the socket, or its `@name`. */
  readonly path: string;
  readonly #descriptor: Descriptor;
  readonly #listening: Listening;
  readonly #admission: Admission;
  readonly #settings: ChannelSettings;
  #waiting: Pending<Connection<Send, Receive>>[] = [];
  /** A connection whose call gave up while `allow` looked at it. */
  #untaken: Connection<Send, Receive> | undefined;
  #isServing = false;
  readonly #turn = new Turn();
  /** Whether the loop's next turn goes on with the calls that wait. */
  #goesOn = false;
  #shortage: Timer | undefined;
  #isShort = false;

  private constructor(path: string, owned: OwnedFd, listening: Listening, { allow, channel }: ListenSettings) {
    const descriptor = new Descriptor(owned, LOCAL_SOCKET, READABLE);
    this.path = path;
    this.#descriptor = descriptor;
    this.#listening = listening;
    this.#admission = new Admission(allow, owned);
    this.#settings = channel;
    closeWhenDropped(this, owned, () => {
      listening.removePath();
      descriptor.closeSide(READABLE);
    });
  }

  /** @internal */
  static make<Send, Receive>(
    path: string,
    owned: OwnedFd,
    listening: Listening,
    settings: ListenSettings,
  ): Hub<Send, Receive> {
    return new Hub(path, owned, listening, settings);
  }

  /** Whether the hub is closed. */
  get isClosed(): boolean {
    return this.#descriptor.isClosed;
  }

  /**
   * Resolves with the next connection. Many calls may wait at once: each connection goes to one of them, in the order of the calls.
   * A timeout or an abort loses no connection. Calls that wait keep the process alive.
   *
   * Rejects with ClosedError if the hub is closed, also while the call waits; with SystemError if the system fails otherwise: the hub
   * stays open. If this process has no free descriptor, the call waits, with a process warning.
   */
  accept(options?: WaitOptions): Promise<Connection<Send, Receive>> {
    const refusal = this.isClosed ? this.#descriptor.closedError() : refuse(options, undefined, this.#noConnection);
    if (refusal !== undefined) return Promise.reject(refusal);
    const untaken = this.#untaken;
    this.#untaken = undefined;
    if (untaken !== undefined) return Promise.resolve(untaken);
    const pending = new Pending<Connection<Send, Receive>>(options, this.#noConnection, () => {
      const index = this.#waiting.indexOf(pending);
      if (index >= 0) this.#waiting.splice(index, 1);
      this.#update();
    });
    this.#waiting.push(pending);
    try {
      this.#serve();
    } catch (error) {
      // The system refuses to watch the descriptor.
      this.#waiting = this.#waiting.filter((waiting) => waiting !== pending);
      pending.reject(error as Error);
    }
    return pending.promise;
  }

  /** Iterates over the connections until the hub is closed. Leaving the loop early leaves the hub open. */
  [Symbol.asyncIterator](): AsyncGenerator<Connection<Send, Receive>, void, undefined> {
    if (this.isClosed) throw this.#descriptor.closedError();
    return new HubIterator(this);
  }

  /**
   * Closes the hub at once, and removes its path if that is still its own. A loop over the hub ends, and calls of `accept()` that
   * wait reject with ClosedError. Connections that were not accepted are closed; channels stay open.
   *
   * @throws ClosedError if it is closed already
   */
  close(): void {
    if (this.isClosed) throw this.#descriptor.closedError();
    this.#end();
  }

  /** Closes the hub, if it is open. */
  [Symbol.dispose](): void {
    if (!this.isClosed) this.#end();
  }

  /** Lets calls that wait keep the process alive, which is the default. */
  ref(): this {
    this.#descriptor.holdLoop(READABLE, true);
    this.#shortage?.ref();
    return this;
  }

  /** Calls that wait no longer keep the process alive. */
  unref(): this {
    this.#descriptor.holdLoop(READABLE, false);
    this.#shortage?.unref();
    return this;
  }

  #end(): void {
    forget(this);
    // Before the close: while this process has the socket, no other listener replaces the file.
    this.#listening.removePath();
    const waiting = this.#waiting.splice(0);
    this.#update();
    this.#descriptor.closeSide(READABLE);
    this.#untaken?.channel[Symbol.dispose]();
    if (waiting.length === 0) return;
    const error = new ClosedError(`${this.#descriptor.toString()} was closed while an accept waited`);
    for (const pending of waiting) pending.reject(error);
  }

  /** Gives connections that are there to the calls that wait. */
  #serve(): void {
    if (this.#isServing) return; // called by allow()
    this.#isServing = true;
    try {
      while (this.#waiting.length > 0 && this.#shortage === undefined && !this.#turn.isOver) {
        if (!this.#acceptOne()) break;
        this.#turn.look();
      }
    } finally {
      this.#isServing = false;
    }
    this.#update();
  }

  /** Returns false if there is no connection now. */
  #acceptOne(): boolean {
    const accepted = acceptLocal(this.#descriptor.owned.number, BUFFER_SIZE);
    if (typeof accepted === 'number') return this.#noneCame(accepted);
    this.#isShort = false;
    const { fd, peer } = accepted;
    const owned = new OwnedFd(fd, `channel end of process ${String(peer.pid)}`, this.#descriptor.owned.madeBy);
    if (!this.#admission.admits(peer) || this.isClosed) {
      owned.discard();
      return true;
    }
    const first = this.#waiting.shift();
    let channel: Channel<Send, Receive>;
    try {
      channel = orClosed([owned], () => Channel.make<Send, Receive>(owned, this.#settings));
    } catch (error) {
      first?.reject(error as Error);
      return true;
    }
    namePeer(channel, `process ${String(peer.pid)}`);
    if (first === undefined) this.#untaken = { channel, peer };
    else first.resolve({ channel, peer });
    return true;
  }

  #noneCame(errno: number): boolean {
    if (errno === EAGAIN) return false;
    if (errno === ECONNABORTED) return true;
    const error = new SystemError(errno, 'accept', this.#descriptor.toString());
    if (!SHORTAGES.has(errno)) {
      this.#waiting.shift()?.reject(error);
      return true;
    }
    if (!this.#isShort) warnings.note(this.#descriptor.owned.origin, `${error.message}. Connections wait until it can`);
    this.#isShort = true;
    this.#shortage = new Timer(() => {
      this.#shortage = undefined;
      this.#goOn();
    }, SHORTAGE_PAUSE);
    if (!this.#descriptor.holdsLoop(READABLE)) this.#shortage.unref();
    return false;
  }

  #goOn(): void {
    this.#turn.begin();
    this.#serve();
  }

  #update(): void {
    if (this.isClosed || this.#isServing) return;
    const isWaiting = this.#waiting.length > 0;
    if (!isWaiting) {
      this.#shortage?.cancel();
      this.#shortage = undefined;
    }
    // The poll would report the connections that cannot be accepted again and again.
    this.#descriptor.waitReadable(isWaiting && this.#shortage === undefined ? this.#interest : undefined);
    if (!isWaiting || !this.#turn.isOver || this.#goesOn) return;
    this.#goesOn = true;
    setImmediate(() => {
      this.#goesOn = false;
      this.#goOn();
    });
  }

  /** While this is set at the descriptor, it keeps the hub from being collected. */
  readonly #interest: Interest = {
    ready: () => {
      if (!this.#goesOn) this.#goOn();
    },
    closed: () => undefined,
  };

  readonly #noConnection = (): string => `${this.#descriptor.toString()}: no connection came`;
}
