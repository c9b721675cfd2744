import { SystemError } from '../errors.js';
import { native } from './native.js';
import { callSite, placeOfCall, withStackLimit, type CallSite } from '../wait/call-site.js';

/** So much external memory makes V8 collect garbage: its soft limit. */
const COLLECTED_AFTER = 64 * 1024 * 1024;

let weight = 0;

/**
 * The bytes of external memory that a descriptor counts as. Dropped ends are closed after a collection, and they are so
 * small that thousands of them would not cause one. With this weight, a quarter of the descriptors that the process may
 * have does.
 */
function fdWeight(): number {
  return (weight ||= Math.ceil(COLLECTED_AFTER / Math.max(native().fdLimit() / 4, 16)));
}

/**
 * The owner of a descriptor: the one place that closes it. It forgets the number before the system call. So no code can
 * close it twice, or close another descriptor that got the same number since.
 */
export class OwnedFd {
  #number: number;
  readonly #what: string;
  readonly #madeBy: CallSite | undefined;
  /** Whether user code has read the number, and may still use it. */
  wasRead = false;

  /**
   * @param what - in the words of messages: `read end`
   * @param maker - the public function that made it; the frame above it is the creation site. Or that site, if the call has returned.
   *   Without it the descriptor came from another process, so no line of this program made it
   */
  constructor(number: number, what: string, maker?: ((...args: never[]) => unknown) | CallSite) {
    this.#number = number;
    this.#what = what;
    this.#madeBy = typeof maker === 'function' ? withStackLimit(1, () => callSite(maker)) : maker;
    native().own(number, fdWeight());
  }

  /** The descriptor; -1 after it was closed or taken. */
  get number(): number {
    return this.#number;
  }

  /** Returns the number; the caller must close it. -1 if it was closed or taken before. */
  take(): number {
    const number = this.#number;
    if (number >= 0) native().disown(number, fdWeight());
    this.#number = -1;
    return number;
  }

  /** Another owner in this thread has the number now: if the thread ends, it is still to be closed with it. */
  handOver(): void {
    if (this.#number >= 0) native().own(this.#number, -fdWeight());
    this.#number = -1;
  }

  /** Closes the descriptor. Does nothing if it was closed or taken before. */
  close(): void {
    const number = this.#number;
    if (number < 0) return;
    this.#number = -1;
    const result = native().closeOwned(number, fdWeight());
    if (result < 0) throw new SystemError(result, 'close', this.toString());
  }

  /**
   * Closes a descriptor that is not used any more. It does not throw if other code has closed the descriptor before: a loop
   * over several descriptors must go on.
   */
  discard(): void {
    try {
      this.close();
    } catch {
      // It is not open any more.
    }
  }

  /** `read end made at /a/file.js:10:3` */
  toString(): string {
    return `${this.#what} ${this.origin}`;
  }

  /** The call that made it; undefined if it came from another process. */
  get madeBy(): CallSite | undefined {
    return this.#madeBy;
  }

  /** File, line and column of the call that made it, if a line of this program did: `made at /a/file.js:10:3`. */
  get origin(): string {
    return this.#madeBy === undefined ? 'received from another process' : `made at ${placeOfCall(this.#madeBy)}`;
  }
}
