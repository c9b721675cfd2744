const callbacks = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `callback` once, when the signal is aborted. Returns a function that takes the callback back. A signal gets one
 * listener for all callbacks: Node.js warns of a leak above ten, and a program may use one signal for all its calls.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let all = callbacks.get(signal);
  if (all === undefined) {
    all = new Set();
    callbacks.set(signal, all);
    signal.addEventListener('abort', callAll, { once: true });
  }
  all.add(callback);
  return () => {
    all.delete(callback);
    if (all.size > 0 || callbacks.get(signal) !== all) return;
    callbacks.delete(signal);
    signal.removeEventListener('abort', callAll);
  };
}

function callAll(this: AbortSignal): void {
  const all = callbacks.get(this);
  callbacks.delete(this);
  for (const callback of all ?? []) callback();
}
