/** Marks a promise as handled: its rejection does not end the program if no code awaits it. Returns the promise. */
export function handled<Awaited extends PromiseLike<unknown>>(promise: Awaited): Awaited {
  promise.then(undefined, ignore);
  return promise;
}

function ignore(): void {
  // A caller that awaits the promise still gets the error.
}
