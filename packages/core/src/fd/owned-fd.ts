import { SystemError } from '../errors.js';
import { native } from './native.js';
import { callSite, withStackLimit } from '../wait/call-site.js';

/** As much external memory as this brings about a collection: V8's soft limit. */
const COLLECTED_AFTER = 64 * 1024 * 1024;

let weight = 0;

/**
 * What the garbage collector is told that a descriptor weighs, in bytes. Dropped ends are closed after a collection, and
 * they are so small that thousands of them would not bring one about: by this weight, a quarter of the descriptors that
 * the process may have does.
 */
function fdWeight(): number {
  return (weight ||= Math.ceil(COLLECTED_AFTER / Math.max(native().fdLimit() / 4, 16)));
}

/**
 * A descriptor's number and who answers for it: the one place where it ends. The number is forgotten before the
 * system call, so nothing can close it twice, or close a stranger's descriptor that got the same number since.
 */
export class OwnedFd {
  #number: number;
  readonly #what: string;
  readonly #stack: string | undefined;
  /** Whether user code has seen the number, and so may still be using it behind our back. */
  wasRead = false;

  /**
   * @param what - in the words of messages: `read end`
   * @param maker - the public function that made it; the frame above it is the creation site
   */
  constructor(number: number, what: string, maker: (...args: never[]) => unknown) {
    this.#number = number;
    this.#what = what;
    const { stack } = withStackLimit(1, () => callSite(maker));
    this.#stack = typeof stack === 'string' ? stack : undefined;
    native().own(number, fdWeight());
  }

  /** -1 once it is gone. */
  get number(): number {
    return this.#number;
  }

  /** The number, which this object then no longer owns. */
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

  /** Closes it; does nothing if it is gone. */
  close(): void {
    const number = this.#number;
    if (number < 0) return;
    this.#number = -1;
    const result = native().closeOwned(number, fdWeight());
    if (result < 0) throw new SystemError(result, 'close', this.toString());
  }

  /** `read end made at /a/file.js:10:3` */
  toString(): string {
    return `${this.#what} made at ${this.site}`;
  }

  /** File, line and column of the call that made it. */
  get site(): string {
    const frame = /\n\s+at (?:.*\()?(.*?)\)?$/m.exec(this.#stack ?? '')?.[1];
    return frame ?? 'an unknown place';
  }
}
