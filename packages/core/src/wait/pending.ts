import { onAbort } from './abort.js';
import { calledFrom, type CallSite } from './call-site.js';
import { AbortError, TimeoutError } from '../errors.js';
import { refuseMilliseconds } from '../check/milliseconds.js';
import { optionNames, refuseOptions, type OptionNames } from '../check/options.js';
import { show } from '../check/show.js';
import { Timer } from './timer.js';

/**
 * How long to wait. An abort or a timeout loses no byte: the next call gets the bytes.
 *
 * @example
 * ```ts
 * import { aiopipe } from '@aiopipe/core';
 *
 * const [rx, tx] = aiopipe();
 * await using reader = rx.open();
 * await using writer = tx.open();
 * await writer.write('ready\n');
 * const line = await reader.readLine({ timeout: 1000, signal: AbortSignal.timeout(5000) });
 * console.log(String(line).trim());
 * ```
 * ```text
 * ready
 * ```
 */
export interface WaitOptions {
  /** Ends the wait when it is aborted: the promise rejects with {@link AbortError}, whose `cause` is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** The most milliseconds to wait: then the promise rejects with {@link TimeoutError}. Default: no limit. */
  readonly timeout?: number | undefined;
}

export const WAIT_OPTIONS = optionNames<WaitOptions>({ signal: true, timeout: true });

/**
 * Returns an error if these options are wrong, or if the signal is aborted already; undefined otherwise. Also returns what
 * a getter of the options throws: the calls reject with it.
 *
 * @param names - for a call that takes more than a signal and a timeout
 * @param what - begins the abort's message: `read end at main.ts:7: the read`
 */
export function refuse(
  options: WaitOptions | undefined,
  names: OptionNames<WaitOptions> = WAIT_OPTIONS,
  what?: () => string,
): Error | undefined {
  if (options === undefined) return undefined;
  try {
    const refusal = refuseOptions(options, names);
    if (refusal !== undefined) return refusal;
    const { signal, timeout } = options;
    if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0)) {
      return refuseMilliseconds('timeout', timeout);
    }
    if (signal !== undefined && !isAbortSignal(signal)) {
      const { signal: inner } = (signal ?? {}) as { signal?: Partial<AbortSignal> };
      const hint = isAbortSignal(inner) ? '; pass its `signal`' : '';
      return new TypeError(`signal: expected an AbortSignal, not ${show(signal)}${hint}`);
    }
    // Made here, because a stack has ten lines: one more function, and the line that waits would not be among them.
    if (signal?.aborted) return abortError(signal, what?.());
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Looks at the methods, not the class: test environments have an AbortSignal of their own. */
function isAbortSignal(signal: Partial<AbortSignal> | null | undefined): boolean {
  return typeof signal?.addEventListener === 'function' && typeof signal.aborted === 'boolean';
}

/** Makes an AbortError. Its message begins with `what`, if that is given. */
export function abortError(signal: AbortSignal, what?: string): AbortError {
  return new AbortError(what === undefined || what === '' ? undefined : `${what}: the operation was aborted`, {
    cause: signal.reason,
  });
}

const nothing = (): string => '';

/** A promise that other code settles, unless its signal or timeout comes first. */
export class Pending<T> {
  readonly promise: Promise<T>;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;
  #stopListening: (() => void) | undefined;
  #timer: Timer | undefined;

  /**
   * @param options - without them, the wait has no limit
   * @param what - completes the messages of a timeout and an abort: `no line came from the pipe`
   * @param forget - called before a timeout or an abort rejects: the code that would have settled the promise must not any more
   */
  constructor(options?: WaitOptions, what: () => string = nothing, forget: () => void = nothing) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (options !== undefined) this.#limit(options, what, forget);
  }

  #limit({ signal, timeout }: WaitOptions, what: () => string, forget: () => void): void {
    if (signal === undefined && timeout === undefined) return;
    // Not callSite(): most waits end well, and the text of the stack is most of what it costs.
    const caller: CallSite = {};
    Error.captureStackTrace(caller, Pending);
    const giveUp = (error: Error) => {
      forget();
      this.reject(calledFrom(caller, error));
    };
    if (timeout !== undefined && timeout !== Infinity) {
      this.#timer = new Timer(() => {
        giveUp(new TimeoutError(`${what()} within ${String(timeout)} ms`));
      }, timeout);
    }
    if (signal === undefined) return;
    this.#stopListening = onAbort(signal, () => {
      giveUp(abortError(signal, what()));
    });
  }

  #stopWaiting(): void {
    this.#timer?.cancel();
    this.#stopListening?.();
  }

  /** Sets whether its timeout keeps the process alive. Default: true. */
  holdLoop(holds: boolean): this {
    if (holds) this.#timer?.ref();
    else this.#timer?.unref();
    return this;
  }

  resolve(value: T): void {
    this.#stopWaiting();
    this.#resolve(value);
  }

  reject(error: unknown): void {
    this.#stopWaiting();
    this.#reject(error);
  }
}
