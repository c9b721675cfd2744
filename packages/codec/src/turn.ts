/** For how long one direction of a channel may keep the loop to itself, in milliseconds. */
const SHARE = 1;
/** Messages from one look at the clock to the next: a look takes a tenth of what a small message takes. */
const LOOK_EVERY = 16;

/**
 * One direction's share of a turn of the loop. Messages that are there, or that the pipe takes, need no wait, and a promise
 * that is settled already keeps all timers waiting: so, once the share is used up, the next message does wait. It is time
 * that counts, and not only the bytes: what the program does with the messages is part of it.
 */
export class Turn {
  #began = now();
  #messages = 0;
  #isOver = false;

  /** The loop has come round. */
  begin(): void {
    this.#began = now();
    this.#messages = 0;
    this.#isOver = false;
  }

  /** Once for each message. */
  count(): void {
    if (++this.#messages % LOOK_EVERY === 0) this.#isOver = now() - this.#began > SHARE;
  }

  get isOver(): boolean {
    return this.#isOver;
  }
}

/** Milliseconds. For `performance` Node loads eight modules, which would be a fiftieth of a child process's start. */
function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
