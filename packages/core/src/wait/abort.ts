import { queueMicrotask } from './saved-globals.js';

const callbacks = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `callback` once, when the signal is aborted. Returns a function that takes the callback back. A signal gets one
 * listener for all callbacks: Node.js warns of a leak above ten, and a program may use one signal for all its calls.
 *
 * If the signal is aborted already, calls back in a microtask: a call that has looked at the signal may have run code of the program
 * since, such as its input.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) return soon(callback);
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

function soon(callback: () => void): () => void {
  let isWanted = true;
  queueMicrotask(() => {
    if (isWanted) callback();
  });
  return () => {
    isWanted = false;
  };
}

function callAll(this: AbortSignal): void {
  const all = callbacks.get(this);
  callbacks.delete(this);
  for (const callback of all ?? []) callback();
}
