import { type WaitOptions } from '@aiopipe/core';
import { Pending, refuse } from '@aiopipe/core/internal';

/** A task that was begun for an item. */
export interface Begun {
  readonly promise: Promise<unknown>;
  /** The result is not wanted any more. */
  leave(): void;
}

/** How a map goes. */
export interface MapSettings {
  readonly concurrency: number;
  readonly ordered: boolean;
  readonly wait: WaitOptions;
  /** Begins the message of an abort. */
  readonly what: string;
  begin(item: unknown): Begun;
}

interface Entry {
  readonly task: Begun;
  outcome?: { readonly value: unknown } | { readonly error: unknown };
}

/**
 * Yields the results of all items. It takes an item from the source only if fewer than `concurrency` tasks are begun and not taken.
 * Leaving it early leaves the tasks, and ends the source.
 */
export async function* mapItems(
  items: Iterable<unknown> | AsyncIterable<unknown>,
  settings: MapSettings,
): AsyncGenerator<unknown, void, undefined> {
  const { concurrency, ordered, wait } = settings;
  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const entries = new Set<Entry>();
  let pulling: Promise<void> | undefined;
  /** The error of the source, or of an item that cannot be sent. It is thrown after the results of the items before. */
  let failure: { readonly error: unknown } | undefined;
  /** Whether the source has ended: it needs no `return()` then. */
  let hasEnded = false;
  let isOver = false;
  let waiting: Pending<void> | undefined;
  const wake = () => {
    waiting?.resolve();
  };
  const begin = (item: unknown) => {
    const entry: Entry = { task: settings.begin(item) };
    entries.add(entry);
    entry.task.promise.then(
      (value) => {
        entry.outcome = { value };
        wake();
      },
      (error: unknown) => {
        entry.outcome = { error };
        wake();
      },
    );
    if (isOver) entry.task.leave();
  };
  const mayPull = () => !hasEnded && failure === undefined && !isOver && entries.size < concurrency;
  const next = async () => {
    try {
      const step = await source.next();
      hasEnded = step.done === true;
      return step;
    } catch (error) {
      hasEnded = true;
      throw error;
    }
  };
  const pull = async () => {
    try {
      while (mayPull()) {
        const step = await next();
        if (!hasEnded && !isOver) begin(await step.value);
      }
    } catch (error) {
      failure = { error };
    } finally {
      pulling = undefined;
      wake();
    }
  };
  try {
    for (;;) {
      const refusal = refuse({ signal: wait.signal }, undefined, () => settings.what);
      if (refusal !== undefined) throw refusal;
      if (mayPull()) pulling ??= pull();
      const entry = ordered ? first(entries) : [...entries].find(({ outcome }) => outcome !== undefined);
      if (entry?.outcome !== undefined) {
        entries.delete(entry);
        if ('error' in entry.outcome) throw entry.outcome.error;
        if (mayPull()) pulling ??= pull();
        yield entry.outcome.value;
        continue;
      }
      if (entries.size === 0 && pulling === undefined) {
        if (failure !== undefined) throw failure.error;
        if (hasEnded) return;
      }
      waiting = new Pending<void>({ signal: wait.signal }, () => settings.what);
      await waiting.promise;
    }
  } finally {
    isOver = true;
    for (const { task } of entries) task.leave();
    // A source that waits for an item, which may never come, would not return before.
    if (!hasEnded) {
      const ended = Promise.resolve(source.return?.());
      if (pulling === undefined) await ended;
      else ended.catch(() => undefined);
    }
  }
}

function first(entries: Set<Entry>): Entry | undefined {
  const [entry] = entries;
  return entry;
}
