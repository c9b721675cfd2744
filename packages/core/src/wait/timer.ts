import { clearTimeout, setTimeout } from './taken.js';

/** What a timer of Node's can hold, 24 days: with more it would fire after 1 ms. */
const LONGEST = 2 ** 31 - 1;

/** Calls back once after some milliseconds, of any number; never after Infinity. */
export class Timer {
  readonly #callback: () => void;
  #left: number;
  #timeout: NodeJS.Timeout | undefined;
  #holdsLoop = true;

  constructor(callback: () => void, milliseconds: number) {
    this.#callback = callback;
    this.#left = milliseconds;
    if (milliseconds !== Infinity) this.#arm();
  }

  #arm(): void {
    const part = Math.min(this.#left, LONGEST);
    this.#left -= part;
    this.#timeout = setTimeout(this.#fire, part);
    if (!this.#holdsLoop) this.#timeout.unref();
  }

  readonly #fire = (): void => {
    if (this.#left > 0) this.#arm();
    else {
      this.#timeout = undefined;
      this.#callback();
    }
  };

  cancel(): void {
    clearTimeout(this.#timeout);
    this.#timeout = undefined;
  }

  /** It keeps the process alive, as it does unless {@link unref} was called. */
  ref(): this {
    this.#holdsLoop = true;
    this.#timeout?.ref();
    return this;
  }

  unref(): this {
    this.#holdsLoop = false;
    this.#timeout?.unref();
    return this;
  }
}
