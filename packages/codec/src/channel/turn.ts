import { now, setImmediate } from '@aiopipe/core/internal';

/** For how long one direction of a channel may keep the event loop in one turn, in milliseconds. */
const BUDGET = 1;
/** For how long all directions together may, if there are many. */
const BUDGET_OF_ALL = 5;
/** The clock is read once for so many messages: reading it takes a tenth of the time of a small message. */
const LOOK_EVERY = 16;

/** How many directions used up their budget in the last turn in which any did, and how many have in this one. */
let busyBefore = 0;
let busyNow = 0;

function countBusy(): void {
  if (busyNow++ > 0) return;
  setImmediate(() => {
    busyBefore = busyNow;
    busyNow = 0;
  });
}

/**
 * The time budget of one direction of a channel in a turn of the event loop. Messages that are there, or that the pipe takes,
 * need no wait, and promises that are settled already keep all timers waiting. So once the budget is used up, the next
 * message waits for the loop. Time counts, not only bytes: the program's work on the messages takes a part of it.
 */
export class Turn {
  #began = now();
  #messages = 0;
  #isOver = false;

  /** Call it when the loop has come round. */
  begin(): void {
    this.#began = now();
    this.#messages = 0;
    this.#isOver = false;
  }

  /** Call it once for each message. */
  count(): void {
    if (++this.#messages % LOOK_EVERY === 0) this.look();
  }

  /** Reads the clock. Call it after a message that may have taken long. */
  look(): void {
    if (this.#isOver) return;
    this.#isOver = now() - this.#began > Math.min(BUDGET, BUDGET_OF_ALL / busyBefore);
    if (this.#isOver) countBusy();
  }

  get isOver(): boolean {
    return this.#isOver;
  }
}
