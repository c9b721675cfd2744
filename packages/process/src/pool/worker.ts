import { channel, DecodeError, type Channel } from '@aiopipe/codec';
import { namePeer, putNow, putSoon, watchSends, unobserved } from '@aiopipe/codec/internal';
import { ClosedError, type Limits, type ResourceUsage } from '@aiopipe/core';
import { clearTimeout, queueMicrotask, setTimeout } from '@aiopipe/core/internal';
import { controlLimits } from '../control/message-limits.js';
import { OutputLines } from './output.js';
import { serve, type WorkerOrder } from '../worker/serve.js';
import { Claims } from '../worker/claims.js';
import { type Answer, type Ask } from '../worker/protocol.js';
import { startProcess, type ProcessExit, type ProcessHandle, type ProcessOptions } from '../start/process.js';
import { hasEnded } from '../control/send.js';

/** Milliseconds for a worker to end by itself. */
const SHUTDOWN = 5000;

/** Where a line of a worker's output comes from. */
export type OutputStream = 'stdout' | 'stderr';

const OUTPUT_STREAMS: readonly OutputStream[] = ['stdout', 'stderr'];

/** Settings of a worker. */
export interface WorkerSettings {
  /** What the worker must know of the pool. */
  readonly order: WorkerOrder;
  /** Called with each line of the worker's output; undefined if its output is not read. */
  readonly onOutput: ((worker: Worker, stream: OutputStream, line: string) => void) | undefined;
  readonly spin: number;
  readonly options: ProcessOptions | undefined;
}

/** How the process of a worker ended. */
export interface WorkerExit extends ProcessExit {
  readonly usage: ResourceUsage | undefined;
}

/** The four calls that lead from a worker to the scheduler. None comes within a call to the worker. */
export interface WorkerOwner {
  /**
   * A message came, of any form; a DecodeError if its value cannot be built here. If this returns a promise, the worker reads
   * nothing more before it resolves.
   */
  heard(message: unknown): Promise<void> | undefined;
  /** A send or a receive failed. The worker sends and receives nothing more. */
  broke(error: Error): void;
  /** The process has ended. Messages that it sent before may still come. */
  ended(error: Error | undefined): void;
  /** The process has ended, and all its messages were heard. */
  gone(): void;
}

/** A child process of a pool, its channel and its claims. It knows no tasks: the messages mean something to its owner only. */
export interface Worker {
  readonly name: string;
  readonly pid: number | undefined;
  /** Its limits, if it has any. */
  readonly limits?: Limits | undefined;
  /** How the process ended. */
  readonly exit: WorkerExit;
  /** Resolves after `gone()`, when all descriptors of the worker are closed. */
  readonly closed: Promise<void>;
  /**
   * Sends at once, or with the other messages of this turn. Returns false if the channel holds no more at the moment. Throws
   * if the message cannot be encoded. If the send fails for another reason, `broke()` or `ended()` tells it.
   */
  send(ask: Ask, soon: boolean): boolean;
  /** Puts the number of an order into the claims. Throws SystemError if the worker has filled the pipe. */
  offer(number: number): void;
  /** Takes all numbers out of the claims that the worker has not claimed. Throws SystemError if the read fails. */
  takeBack(): Set<number>;
  /** Closes the channel: the process ends by itself, or is killed after {@link SHUTDOWN}. */
  retire(isReady: boolean): void;
  /** Sends SIGTERM, and SIGKILL after {@link SHUTDOWN}. */
  terminate(): void;
  kill(): void;
  /** Whether waiting for messages keeps this process alive. */
  hold(isHeld: boolean): void;
}

export type StartWorker = (name: string, settings: WorkerSettings, owner: WorkerOwner) => Worker;

/** Starts a worker. Throws if there are no descriptors for its channel. */
export const startWorker: StartWorker = (name, settings, owner) => new WorkerProcess(name, settings, owner);

class WorkerProcess implements Worker {
  readonly name: string;
  readonly #owner: WorkerOwner;
  readonly #channel: Channel<Ask, unknown>;
  readonly #claims: Claims;
  readonly #process: ProcessHandle<void>;
  readonly #outputs: OutputLines[] = [];
  #endTimer: NodeJS.Timeout | undefined;
  #hasEnded = false;
  #canSend = true;
  #isOver = false;
  readonly closed: Promise<void>;
  readonly limits: Limits | undefined;

  constructor(name: string, { order, spin, options, onOutput }: WorkerSettings, owner: WorkerOwner) {
    const [ours, theirs] = unobserved(() => channel<Ask, Answer>({ duplex: true, spin, limits: controlLimits() }));
    let claims: Claims | undefined;
    try {
      claims = new Claims();
      this.#process = startProcess(serve, {
        ...(onOutput && { stdout: 'pipe', stderr: 'pipe' }),
        ...options,
        name,
        args: [theirs, claims.theirs, order],
      });
    } catch (error) {
      ours[Symbol.dispose]();
      theirs[Symbol.dispose]();
      claims?.close();
      throw error;
    }
    namePeer(ours, `worker ${name}`);
    this.name = name;
    this.limits = options?.limits;
    this.#owner = owner;
    this.#channel = ours;
    this.#claims = claims;
    watchSends(ours, (error) => {
      this.#canSend = false;
      // The failure may come out of a send of the owner's.
      queueMicrotask(() => {
        this.#fail(error);
      });
    });
    if (onOutput !== undefined) this.#readOutput(onOutput);
    const drained = this.#follow();
    this.closed = this.#watch(drained);
  }

  #readOutput(onOutput: NonNullable<WorkerSettings['onOutput']>): void {
    for (const stream of OUTPUT_STREAMS) {
      const end = this.#process[stream];
      if (end === undefined) continue;
      this.#outputs.push(
        new OutputLines(end, (line) => {
          onOutput(this, stream, line);
        }),
      );
    }
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get exit(): WorkerExit {
    const { exitCode, signalCode, resourceUsage: usage } = this.#process;
    return { exitCode, signalCode, usage };
  }

  send(ask: Ask, soon: boolean): boolean {
    try {
      return soon ? putSoon(this.#channel, ask) : putNow(this.#channel, ask);
    } catch (error) {
      // Otherwise the error is about the message: a handle in it has moved, say.
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
        message = error;
      }
      if (this.#isOver) return;
      const taken = this.#owner.heard(message);
      if (taken !== undefined) await taken;
    }
  }

  /** A send or a receive failed. */
  #fail(error: Error): void {
    if (this.#isOver) return;
    if (hasEnded(error) || error instanceof ClosedError) {
      // The process has ended, or is about to: without its channel it has nothing to do.
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
    for (const output of this.#outputs) await output.close();
    this.#owner.ended(error);
    await drained;
    this.#owner.gone();
    this.#channel[Symbol.dispose]();
    this.#claims.close();
    this.#process.close();
  }

  retire(isReady: boolean): void {
    // Before it is ready, its function is not called and does not see the end of the channel.
    if (!isReady) this.#process.terminate();
    this.#channel[Symbol.dispose]();
    this.#endWithin(SHUTDOWN);
  }

  terminate(): void {
    if (!this.#hasEnded) void this.#process.stop({ grace: SHUTDOWN });
  }

  kill(): void {
    // Its further messages are not heard.
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
    for (const output of this.#outputs) output.hold(isHeld);
  }
}
