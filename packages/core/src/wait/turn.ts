import { setImmediate } from './saved-globals.js';

/** As many calls take less than a millisecond, and one turn of the loop for as many costs them next to nothing. */
const CALLS = 1024;

let calls = 0;
let coming: Promise<void> | undefined;

/**
 * Counts a call that could be answered at once, without the event loop. Returns false after every 1024th: this answer must
 * wait for {@link nextShare}. Without that, a loop of such calls would keep timers and descriptors waiting until it ends.
 */
export function mayAnswerNow(): boolean {
  return ++calls <= CALLS;
}

/** Resolves in the event loop's next turn, from which on calls are answered at once again. */
export function nextShare(): Promise<void> {
  return (coming ??= new Promise((resolve) => {
    setImmediate(() => {
      calls = 0;
      coming = undefined;
      resolve();
    });
  }));
}
