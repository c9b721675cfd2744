import { now, setImmediate } from '@aiopipe/core/internal';

/** For how long one direction of a channel may keep the loop to itself, in milliseconds. */
const SHARE = 1;
/** For how long all of them together may, where there are many. */
const SHARE_OF_ALL = 5;
/** Messages from one look at the clock to the next: a look takes a tenth of what a small message takes. */
const LOOK_EVERY = 16;

/** How many directions used up their share in the last turn of the loop that saw any, and how many have in this one. */
let crowd = 0;
let arrived = 0;

function join(): void {
  if (arrived++ > 0) return;
  setImmediate(() => {
    crowd = arrived;
    arrived = 0;
  });
}

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
    if (++this.#messages % LOOK_EVERY === 0) this.look();
  }

  /** After a message that may have taken its time. */
  look(): void {
    if (this.#isOver) return;
    this.#isOver = now() - this.#began > Math.min(SHARE, SHARE_OF_ALL / crowd);
    if (this.#isOver) join();
  }

  get isOver(): boolean {
    return this.#isOver;
  }
}
