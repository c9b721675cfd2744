import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { addContextCarrier, type TracedMessage } from '@aiopipe/core';
import { startProcess } from '@aiopipe/process';
import { childPids, leakCheck, runFixture } from '@aiopipe/testing';
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

test.each<[string, NonNullable<TracedMessage['within']>]>([
  ['never makes the call', () => undefined as never],
  ['makes it twice', (run) => (run(), run())],
  ['returns something else', (run) => (run(), 'else') as never],
])('a subscriber that %s gets it made once, and costs it nothing', async (_, within) => {
  const listener = (message: unknown) => {
    (message as TracedMessage).within = within;
  };
  subscribe(START, listener);
  undo.push(() => unsubscribe(START, listener));
  const before = childPids().length;
  const child = startProcess(returns, { stdout: 'ignore' });
  expect(childPids().length).toBe(before + 1);
  expect(await child.result).toBe(42);
});

test('what a subscriber throws within the call is thrown apart, as Node.js throws what its subscribers throw', async () => {
  const { stdout, stderr } = await runFixture('subscribes-and-throws');
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({ result: 42, uncaught: ['of the subscriber'] });
});
