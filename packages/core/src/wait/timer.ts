import { clearTimeout, setTimeout } from './saved-globals.js';

/** The longest time of a Node.js timer, 24 days. With a longer one it fires after 1 ms. */
const LONGEST = 2 ** 31 - 1;

/** Calls back once after any number of milliseconds; never if they are Infinity. */
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

  /** The timer keeps the process alive, which is the default. */
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
