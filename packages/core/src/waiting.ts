import { onAbort } from './abort.js';
import { AbortError, TimeoutError } from './errors.js';

/** How long to wait. Neither an abort nor a timeout loses a byte: what had come is there for the next call. */
export interface WaitOptions {
  /** Ends the wait: the promise rejects with an {@link AbortError} whose `cause` is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to wait at most: then the promise rejects with a {@link TimeoutError}. */
  readonly timeout?: number | undefined;
}

/** What is wrong with these options, if anything is; an abort that came already counts. */
export function refuse(options: WaitOptions | undefined): Error | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== 'object' || options === null) {
    return new TypeError(`options: expected { signal, timeout }, not ${options === null ? 'null' : String(options)}`);
  }
  const { signal, timeout } = options;
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0)) {
    return new TypeError(`timeout: expected milliseconds, not ${String(timeout)}`);
  }
  if (signal !== undefined && typeof (signal as Partial<AbortSignal> | null)?.addEventListener !== 'function') {
    return new TypeError(`signal: expected an AbortSignal, not ${signal === null ? 'null' : typeof signal}`);
  }
  if (signal?.aborted) return abortError(signal);
  return undefined;
}

function abortError(signal: AbortSignal): AbortError {
  return new AbortError(undefined, { cause: signal.reason });
}

/** What a timer of Node's can hold: more would come after 1 ms, and this is 24 days. */
const LONGEST_TIMER = 2 ** 31 - 1;

const nothing = (): string => '';

/** One promise that something will settle later, unless its signal or timeout comes first. */
export class Pending<T> {
  readonly promise: Promise<T>;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;
  #stopWaiting: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param options - without them it waits for as long as it takes
   * @param what - completes the timeout's message: `no line came from the pipe`
   * @param forget - called before a timeout or abort rejects: whoever would have settled it must not any more
   */
  constructor(options?: WaitOptions, what: () => string = nothing, forget: () => void = nothing) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (options !== undefined) this.#limit(options, what, forget);
  }

  #limit({ signal, timeout }: WaitOptions, what: () => string, forget: () => void): void {
    const giveUp = (error: Error) => {
      forget();
      this.reject(error);
    };
    if (timeout !== undefined && timeout <= LONGEST_TIMER) {
      this.#timer = setTimeout(() => {
        giveUp(new TimeoutError(`${what()} within ${String(timeout)} ms`));
      }, timeout);
    }
    const stopListening =
      signal &&
      onAbort(signal, () => {
        giveUp(abortError(signal));
      });
    this.#stopWaiting = () => {
      clearTimeout(this.#timer);
      stopListening?.();
    };
  }

  /** Whether its timeout keeps the process alive; it does unless told otherwise. */
  holdLoop(holds: boolean): this {
    if (holds) this.#timer?.ref();
    else this.#timer?.unref();
    return this;
  }

  resolve(value: T): void {
    this.#stopWaiting?.();
    this.#resolve(value);
  }

  reject(error: unknown): void {
    this.#stopWaiting?.();
    this.#reject(error);
  }
}
