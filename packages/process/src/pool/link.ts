import { channel, DecodeError, type Channel } from '@aiopipe/codec';
import { putNow, putSoon, watchSends } from '@aiopipe/codec/internal';
import { ClosedError } from '@aiopipe/core';
import { clearTimeout, queueMicrotask, setTimeout } from '@aiopipe/core/internal';
import { controlLimits } from '../control/limits.js';
import { serve } from './child.js';
import { Claims } from './claims.js';
import { type Answer, type Ask } from './protocol.js';
import { startProcess, type ProcessExit, type ChildProcess, type ProcessOptions } from '../start/process.js';
import { hasEnded } from '../control/send.js';

/** Milliseconds that a worker gets to end by itself. */
const SHUTDOWN = 5000;

/** What a worker is started with. */
export interface LinkSettings {
  /** The target's. */
  readonly url: string;
  readonly target: string;
  readonly maxRss: number | undefined;
  readonly spin: number;
  readonly options: ProcessOptions | undefined;
}

/** Hears what comes over a link. No call comes within a call of the link's. */
export interface LinkOwner {
  /** A message came, of any form. Nothing more is read before the promise that this may return has resolved. */
  heard(message: unknown): Promise<void> | undefined;
  /** A message came that is well-formed, and whose value can't be built here. */
  heardUnreadable(error: DecodeError): void;
  /** Something could not be sent or received. Nothing more is. */
  broke(error: Error): void;
  /** The process has ended. What it had sent before may still be heard. */
  ended(error: Error | undefined): void;
  /** The process has ended, and all that it had sent was heard. */
  gone(): void;
}

/** A worker's process and what leads to it: how messages come and go, and how it ends. What they mean is the owner's. */
export interface Link {
  readonly name: string;
  readonly pid: number | undefined;
  /** How the process ended. */
  readonly exit: ProcessExit;
  /** Resolves when the owner has heard all, and nothing of it is open. */
  readonly closed: Promise<void>;
  /**
   * Sends at once, or with the others of this turn. False: the channel holds no more at the moment. Throws what is wrong
   * with the message. That it could not be sent for another reason is told by `broke()` or `ended()`.
   */
  send(ask: Ask, soon: boolean): boolean;
  /** Puts the number of an order into the claims. Throws if it can't, which is the worker's doing. */
  offer(number: number): void;
  /** Takes out of the claims what the worker has not taken from there. */
  takeBack(): Set<number>;
  /** Closes the channel: the process ends by itself, and is killed if it takes too long. */
  retire(isReady: boolean): void;
  /** Ends the process whatever it is at: by SIGTERM, and by SIGKILL if it takes too long. */
  terminate(): void;
  kill(): void;
  /** Whether waiting for messages keeps this process alive. */
  hold(isHeld: boolean): void;
}

export type StartLink = (name: string, settings: LinkSettings, owner: LinkOwner) => Link;

/** Starts a child process that serves. Throws where none could be asked for. */
export const startChild: StartLink = (name, settings, owner) => new ChildLink(name, settings, owner);

class ChildLink implements Link {
  readonly name: string;
  readonly #owner: LinkOwner;
  readonly #channel: Channel<Ask, unknown>;
  readonly #claims: Claims;
  readonly #process: ChildProcess<void>;
  #endTimer: NodeJS.Timeout | undefined;
  #hasEnded = false;
  #canSend = true;
  #isOver = false;
  readonly closed: Promise<void>;

  constructor(name: string, { url, target, maxRss, spin, options }: LinkSettings, owner: LinkOwner) {
    const [ours, theirs] = channel<Ask, Answer>({ duplex: true, spin, limits: controlLimits() });
    let claims: Claims | undefined;
    try {
      claims = new Claims();
      const args = [theirs, claims.theirs, url, target, maxRss] as const;
      this.#process = startProcess(serve, { ...options, name, args: [...args] });
    } catch (error) {
      ours[Symbol.dispose]();
      theirs[Symbol.dispose]();
      claims?.close();
      throw error;
    }
    this.name = name;
    this.#owner = owner;
    this.#channel = ours;
    this.#claims = claims;
    watchSends(ours, (error) => {
      this.#canSend = false;
      // It may come out of a send of the owner's.
      queueMicrotask(() => {
        this.#fail(error);
      });
    });
    const drained = this.#follow();
    this.closed = this.#watch(drained);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get exit(): ProcessExit {
    const { exitCode, signalCode } = this.#process;
    return { exitCode, signalCode };
  }

  send(ask: Ask, soon: boolean): boolean {
    try {
      return soon ? putSoon(this.#channel, ask) : putNow(this.#channel, ask);
    } catch (error) {
      // Otherwise it is about the message: about a handle in it that has moved, say.
      if (this.#canSend && !this.#channel.isClosed) throw error;
      return false;
    }
  }

  offer(number: number): void {
    this.#claims.offer(number);
  }

  takeBack(): Set<number> {
    return this.#claims.takeBack();
  }

  async #follow(): Promise<void> {
    while (!this.#isOver) {
      let message: unknown;
      try {
        message = await this.#channel.get();
      } catch (error) {
        if (!(error instanceof DecodeError) || error.fatal) {
          this.#fail(error as Error);
          return;
        }
        this.#owner.heardUnreadable(error);
        continue;
      }
      if (this.#isOver) return;
      const taken = this.#owner.heard(message);
      if (taken !== undefined) await taken;
    }
  }

  /** Nothing more is sent, or nothing more received. */
  #fail(error: Error): void {
    if (this.#isOver) return;
    if (hasEnded(error) || error instanceof ClosedError) {
      // The process has ended, or is about to: one that says no more, or listens no more, has nothing else to do.
      this.#endWithin(SHUTDOWN);
      return;
    }
    this.#isOver = true;
    this.#owner.broke(error);
  }

  async #watch(drained: Promise<void>): Promise<void> {
    const error = await this.#process.result.then(
      () => undefined,
      (reason: unknown) => reason as Error,
    );
    await this.#process.join().catch(() => undefined);
    this.#hasEnded = true;
    clearTimeout(this.#endTimer);
    this.#owner.ended(error);
    await drained;
    this.#owner.gone();
    this.#channel[Symbol.dispose]();
    this.#claims.close();
    this.#process.close();
  }

  retire(isReady: boolean): void {
    // Its function, which would see the end of its channel, isn't called before it is ready.
    if (!isReady) this.#process.terminate();
    this.#channel[Symbol.dispose]();
    this.#endWithin(SHUTDOWN);
  }

  terminate(): void {
    if (!this.#hasEnded) void this.#process.stop({ grace: SHUTDOWN });
  }

  kill(): void {
    // What it still says is for nobody.
    this.#isOver = true;
    if (!this.#hasEnded) this.#process.kill('SIGKILL');
  }

  #endWithin(ms: number): void {
    if (this.#hasEnded) return;
    this.#endTimer ??= setTimeout(() => this.#process.kill('SIGKILL'), ms);
  }

  hold(isHeld: boolean): void {
    if (isHeld) this.#channel.ref();
    else this.#channel.unref();
  }
}
