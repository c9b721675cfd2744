/** A timer or an immediate. Node's have these methods, too. */
class Handle {
  isCancelled = false;

  constructor(
    readonly call: () => void,
    readonly at: number,
  ) {}

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

type Callback = (...args: unknown[]) => void;

/** The clock, the timers and the immediates of a test that decides when each of them comes. */
export class SimulatedTime {
  /** Milliseconds. */
  now = 1_000_000;
  /** Milliseconds that the clock advances each time that code reads it. */
  perLook = 0;
  #timers: Handle[] = [];
  #immediates: Handle[] = [];

  /** Runs `load`. The modules that it loads get a simulated clock and simulated timers. */
  async during<T>(load: () => Promise<T>): Promise<T> {
    const { setTimeout, clearTimeout, setImmediate, clearImmediate } = globalThis;
    const real = { setTimeout, clearTimeout, setImmediate, clearImmediate };
    const { hrtime } = process;
    const { now } = Date;
    Object.assign(globalThis, {
      setTimeout: (call: Callback, milliseconds = 1, ...args: unknown[]) => {
        const timer = new Handle(
          () => {
            call(...args);
          },
          this.now + Math.max(1, milliseconds),
        );
        // Timers of the same time fire in the order in which they were set.
        let index = this.#timers.length;
        while (index > 0 && (this.#timers[index - 1] as Handle).at > timer.at) index--;
        this.#timers.splice(index, 0, timer);
        return timer;
      },
      clearTimeout: (timer: Handle | undefined) => {
        const index = timer === undefined ? -1 : this.#timers.indexOf(timer);
        if (index >= 0) this.#timers.splice(index, 1);
      },
      setImmediate: (call: Callback, ...args: unknown[]) => {
        const immediate = new Handle(() => {
          call(...args);
        }, 0);
        this.#immediates.push(immediate);
        return immediate;
      },
      clearImmediate: (immediate: Handle | undefined) => {
        if (immediate !== undefined) immediate.isCancelled = true;
      },
    });
    process.hrtime = Object.assign(
      (): [number, number] => {
        this.now += this.perLook;
        return [Math.floor(this.now / 1000), Math.round((this.now % 1000) * 1e6)];
      },
      { bigint: () => BigInt(Math.round(this.now * 1e6)) },
    );
    Date.now = () => this.now;
    try {
      return await load();
    } finally {
      Object.assign(globalThis, real);
      process.hrtime = hrtime;
      Date.now = now;
    }
  }

  get timers(): number {
    return this.#timers.length;
  }

  get immediates(): number {
    return this.#immediates.length;
  }

  /** The time of the next timer; Infinity if there is none. It fires when the test says so, perhaps later. */
  get nextTimer(): number {
    return this.#timers[0]?.at ?? Infinity;
  }

  /** Lets the clock run on to the next timer, and fires it. Returns false if there is none. */
  fireTimer(): boolean {
    const timer = this.#timers.shift();
    if (timer === undefined) return false;
    this.now = Math.max(this.now, timer.at);
    timer.call();
    return true;
  }

  /** Calls the next immediate. Returns false if there is none. */
  runImmediate(): boolean {
    const immediate = this.#immediates.shift();
    if (immediate === undefined) return false;
    if (!immediate.isCancelled) immediate.call();
    return true;
  }

  /** Forgets all timers and immediates. */
  clear(): void {
    this.#timers = [];
    this.#immediates = [];
  }
}
