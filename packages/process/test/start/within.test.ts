import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { addContextCarrier, type TracedMessage } from '@aiopipe/core';
import { startProcess } from '@aiopipe/process';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, afterEach, expect, test } from 'vitest';
import { returns } from '../fixtures/works-at-its-end.js';

const checkLeaks = leakCheck();
afterAll(checkLeaks);

const START = 'tracing:aiopipe:process.start:start';
const store = new AsyncLocalStorage<string>();
const undo: (() => void)[] = [];

afterEach(() => {
  for (const one of undo.splice(0)) one();
});

/** Calls starts within a further word. */
function surround(word: string): void {
  const listener = (data: unknown) => {
    const message = data as TracedMessage;
    const { within } = message;
    message.within = (run) =>
      store.run([store.getStore(), word].join(' ').trim(), () => (within === undefined ? run() : within(run)));
  };
  subscribe(START, listener);
  undo.push(() => unsubscribe(START, listener));
}

/** What the store had when the context of a call was asked for. */
function seen(): (string | undefined)[] {
  const words: (string | undefined)[] = [];
  const carrier = addContextCarrier({
    name: 'seen',
    inject: () => {
      words.push(store.getStore());
      return undefined;
    },
    extract: () => undefined,
  });
  undo.push(() => {
    carrier[Symbol.dispose]();
  });
  return words;
}

test('a subscriber of `start` may make the call within a context of its own', async () => {
  const words = seen();
  surround('one');
  expect(await startProcess(returns, { stdout: 'ignore' }).result).toBe(42);
  expect(words).toEqual(['one']);
});

test('the contexts of two subscribers hold at once', async () => {
  const words = seen();
  surround('inner');
  surround('outer');
  expect(await startProcess(returns, { stdout: 'ignore' }).result).toBe(42);
  expect(words).toEqual(['outer inner']);
});

test('what a call throws comes out of it', () => {
  surround('one');
  expect(() => startProcess(returns, { cwd: '' })).toThrow(TypeError);
});
