const callbacks = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once when the signal is aborted, until the returned function is called. However many call, the signal gets
 * one listener: Node warns of a leak where it has more than ten, and a program may well have one signal for all it does.
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
