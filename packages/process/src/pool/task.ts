import { AbortError, type SystemError, type WaitOptions } from '@aiopipe/core';
import { now, Pending, refuse } from '@aiopipe/core/internal';
import { rejectWithCaller } from './caller-frames.js';
import { type ChildError } from '../errors.js';
import { CALL, STREAM, type TaskKind } from './protocol.js';
import { type Queued } from './queue.js';
import { type Worker } from './worker.js';
import { WatchedPromise } from '../failure/unheard-failure.js';

const nothing = (): void => undefined;

/** Values that are looked at, at most. */
const FEW = 64;

function holdsNoHandle(args: readonly unknown[]): boolean {
  const values = [...args];
  for (let seen = 0; values.length > 0; seen++) {
    const value = values.pop();
    if (seen === FEW) return false;
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) continue;
    const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
    if (!isPlain) return false;
    if (Array.isArray(value) && value.length > FEW) return false;
    values.push(...(Object.values(value) as unknown[]));
  }
  return true;
}

/** Of all pools. */
let calls = 0;

/** One task from its call until whoever called has heard of its end. */
export abstract class Task implements Queued<Task> {
  abstract readonly kind: TaskKind;
  readonly args: readonly unknown[];
  before: Task | undefined = undefined;
  after: Task | undefined = undefined;
  retriesLeft: number;
  /** Who has it; nobody while it waits in the queue. */
  worker: Worker | undefined = undefined;
  /** Nobody waits for it any more. Its worker may still be at it. */
  isSettled = false;
  /** How the last worker ended that had it. */
  loss: ChildError | SystemError | undefined = undefined;
  /** How often it was given to a worker that did not begin with it. */
  takenBack = 0;
  /** Under which its worker knows it. */
  number = 0;
  readonly calledAt = now();
  readonly order = calls++;

  #canGoAhead: boolean | undefined;

  constructor(args: readonly unknown[], retries: number) {
    this.args = args;
    this.retriesLeft = retries;
  }

  /** Whether it could be taken back from a worker, which what has moved there can't. Known for what is small and plain. */
  get canGoAhead(): boolean {
    return (this.#canGoAhead ??= holdsNoHandle(this.args));
  }

  /** Whether it can begin anew without whoever called seeing anything twice. */
  abstract get canRepeat(): boolean;
  abstract resolve(value: unknown): void;
  abstract reject(error: unknown): void;

  /** Whoever called has gone: what still comes from its worker is for nobody. */
  abandon(): void {
    // What is answered once needs no more than this.
  }

  /** Its worker is done with it, or has ended. */
  workerLeft(): void {
    // Nobody waits for that but a stream.
  }
}

/** One answer. */
export class Call extends Task {
  override readonly kind = CALL;
  readonly promise: WatchedPromise<unknown>;
  readonly #onUnheard: (error: unknown) => void;
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;
  /** Its promise rejects if the signal or the timeout comes first. */
  #limit: Pending<never> | undefined;

  /** @param onUnheard - called with an error that nothing has looked at */
  constructor(args: readonly unknown[], retries: number, onUnheard: (error: unknown) => void) {
    super(args, retries);
    this.#onUnheard = onUnheard;
    this.promise = new WatchedPromise<unknown>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** @param cancel - called before the promise rejects because of a signal or timeout */
  limit(options: WaitOptions, what: string, cancel: (task: Task) => void): void {
    this.#limit = new Pending<never>(
      options,
      () => what,
      () => {
        cancel(this);
      },
    );
    this.#limit.promise.catch((error: unknown) => {
      // The program aborted it itself.
      this.promise.rejects(error instanceof AbortError ? nothing : () => this.#onUnheard(error));
      this.#reject(error);
    });
  }

  override get canRepeat(): boolean {
    return true;
  }

  override resolve(value: unknown): void {
    this.#limit?.resolve(undefined as never);
    this.#resolve(value);
  }

  override reject(error: unknown): void {
    this.#limit?.resolve(undefined as never);
    // Only then: V8 finds the caller while its await is all that follows this promise.
    void rejectWithCaller(error).then(this.#resolve, () => {
      this.promise.rejects(() => {
        this.#onUnheard(error);
      });
      this.#reject(error);
    });
  }
}

/** Many, which wait in the worker's channel until they are taken. */
export class Stream extends Task {
  override readonly kind = STREAM;
  #item: { readonly value: unknown } | undefined;
  /** Tells the worker's reader that the item was taken. */
  #taken: (() => void) | undefined;
  #waiting: Pending<{ readonly value: unknown } | undefined> | undefined;
  #hasYielded = false;
  #failure: { readonly error: unknown } | undefined;
  #hasEnded = false;
  #hasWorkerLeft = false;
  #whenLeft: (() => void) | undefined;

  override get canRepeat(): boolean {
    return !this.#hasYielded;
  }

  /** One more. Nothing is to be read from its worker before the promise that this may return has resolved. */
  offer(value: unknown): Promise<void> | undefined {
    if (this.isSettled) return undefined;
    this.#hasYielded = true;
    if (this.#waiting !== undefined) {
      this.#waiting.resolve({ value });
      this.#waiting = undefined;
      return undefined;
    }
    this.#item = { value };
    return new Promise((resolve) => (this.#taken = resolve));
  }

  override resolve(): void {
    this.#hasEnded = true;
    this.#waiting?.resolve(undefined);
    this.#waiting = undefined;
  }

  override reject(error: unknown): void {
    this.#hasEnded = true;
    this.abandon();
    if (this.#waiting === undefined) this.#failure = { error };
    else this.#waiting.reject(error);
    this.#waiting = undefined;
  }

  override abandon(): void {
    this.#item = undefined;
    this.#release();
  }

  override workerLeft(): void {
    this.#hasWorkerLeft = true;
    this.#whenLeft?.();
  }

  /** Resolves when no worker is at it any more. */
  async left(): Promise<void> {
    if (this.worker === undefined || this.#hasWorkerLeft) return;
    await new Promise<void>((resolve) => (this.#whenLeft = resolve));
  }

  #release(): void {
    this.#taken?.();
    this.#taken = undefined;
  }

  /** Undefined at the end. */
  async next(options: WaitOptions | undefined, cancel: (task: Task) => void): Promise<{ value: unknown } | undefined> {
    // Not even what is there already, for the caller has gone on to other things.
    const refusal = refuse(options);
    if (refusal !== undefined) {
      cancel(this);
      throw refusal;
    }
    const item = this.#item;
    if (item !== undefined) {
      this.#item = undefined;
      this.#release();
      return item;
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#hasEnded) return undefined;
    const waiting = new Pending<{ readonly value: unknown } | undefined>(
      options,
      () => 'nothing came from the task',
      () => {
        this.#waiting = undefined;
        cancel(this);
      },
    );
    this.#waiting = waiting;
    return waiting.promise;
  }
}
