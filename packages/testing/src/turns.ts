import { setImmediate as turn } from 'node:timers/promises';

/** Lets the event loop come round, so that every ready event was delivered. */
export async function turns(count = 4): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

/** Whether a promise has not settled although everything that is ready now has been handled. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = () => {
    settled = true;
  };
  promise.then(note, note);
  await turns();
  return !settled;
}
