/** Whether `await` would wait for the value: a promise of any realm, or another object with a `then()`, such as a chain. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
