import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { channel } from '@aiopipe/codec';
import { ready, startProcess } from '@aiopipe/process';
import { fixture, isPending, leakCheck } from '@aiopipe/testing';
import { runsDry } from '../fixtures/ends-somehow.js';
import { blocksFor, obey, readyAtOnce, startsOneThatIsReady } from '../fixtures/serves.js';
import { errorOf } from '../helpers.js';

afterAll(leakCheck());

function startObedient() {
  const [theirs, words] = channel<'ready' | 'return' | 'throw' | 'exit' | 'block'>();
  return { child: startProcess(obey, { args: [theirs] }), words };
}

describe('a child is ready', () => {
  test('when it says so, and not when it has begun', async () => {
    const { child, words } = startObedient();
    await child.started;
    expect(await isPending(child.ready)).toBe(true);
    await words.put('ready');
    await child.ready;
    expect(child.isAlive()).toBe(true);
    words.close();
    await child.join();
  });

  test('when its function has returned', async () => {
    const { child, words } = startObedient();
    await words.put('return');
    await child.ready;
    await child.join();
    words.close();
  });

  test('once, however often it says so', async () => {
    const child = startProcess(readyAtOnce);
    await child.ready;
    await child.result;
    await child.join();
  });

  test('for its own parent alone', async () => {
    const child = startProcess(startsOneThatIsReady);
    await child.started;
    expect(await isPending(child.ready)).toBe(true);
    await child.ready;
    await child.join();
  });
});

describe('a child never gets ready', () => {
  test.each([
    ['throw', 'ERR_AIOPIPE_CHILD'],
    ['exit', 'ERR_AIOPIPE_NO_RESULT'],
  ] as const)('if it fails before: %s', async (word, code) => {
    const { child, words } = startObedient();
    await words.put(word);
    expect((await errorOf(child.ready)).code).toBe(code);
    await child.started;
    await child.join();
    words.close();
  });

  test('if it is killed while it boots, and its function was not called', async () => {
    const { child, words } = startObedient();
    child.kill();
    expect((await errorOf(child.ready)).code).toBe('ERR_AIOPIPE_START');
    expect((await errorOf(child.started)).code).toBe('ERR_AIOPIPE_START');
    expect(await child.join()).toEqual({ exitCode: null, signalCode: 'SIGTERM' });
    words[Symbol.dispose]();
  });

  test('if it cannot be started', async () => {
    const child = startProcess(readyAtOnce, { cwd: '/nowhere' });
    expect((await errorOf(child.ready)).code).toBe('ERR_AIOPIPE_START');
    expect((await errorOf(child.started)).code).toBe('ERR_AIOPIPE_START');
  });

  test('by a call while its module is evaluated', async () => {
    const module = pathToFileURL(fixture('ready-while-evaluated'));
    const child = startProcess(module, { export: 'work' });
    const { code, cause } = await errorOf(child.ready);
    expect(code).toBe('ERR_AIOPIPE_START');
    expect((cause as Error & { code: string }).code).toBe('ERR_AIOPIPE_NO_CHILD');
    await child.join().catch(() => undefined);
  });
});

test('ready() is an error in a process that is no child', () => {
  expect(ready).toThrow(expect.objectContaining({ code: 'ERR_AIOPIPE_NO_CHILD' }) as Error);
});

describe('a ping', () => {
  test('is answered as soon as the event loop goes round', async () => {
    const [theirs, words] = channel();
    const child = startProcess(blocksFor, { args: [200, theirs] });
    await child.ready;
    expect(await child.ping()).toBeGreaterThan(0);
    words.close();
    await child.join();
  });

  test('may be sent while the child boots, and many may wait', async () => {
    const { child, words } = startObedient();
    const times = await Promise.all(Array.from({ length: 100 }, () => child.ping({ timeout: 20_000 })));
    expect(times.every((time) => time > 0)).toBe(true);
    words.close();
    await child.join();
  });

  test('rejects if the loop hangs, and a later one does, too', async () => {
    const { child, words } = startObedient();
    await child.ping();
    await words.put('block');
    await child.ready;
    expect((await errorOf(child.ping({ timeout: 100 }))).code).toBe('ERR_AIOPIPE_TIMEOUT');
    expect((await errorOf(child.ping({ timeout: 100 }))).message).toContain('process obey');
    const controller = new AbortController();
    const aborted = child.ping({ signal: controller.signal });
    controller.abort();
    expect((await errorOf(aborted)).code).toBe('ABORT_ERR');
    const last = child.ping();
    child.kill();
    expect((await errorOf(last)).code).toBe('ERR_AIOPIPE_NO_RESULT');
    await child.join();
    words[Symbol.dispose]();
  });

  test('rejects once the child has ended, and says how', async () => {
    const well = startProcess(readyAtOnce);
    await well.join();
    expect((await errorOf(well.ping())).code).toBe('ERR_AIOPIPE_CLOSED');
    const badly = startProcess(readyAtOnce);
    badly.kill();
    await badly.join();
    expect((await errorOf(badly.ping())).code).toMatch(/^ERR_AIOPIPE_(START|NO_RESULT)$/);
    badly.close();
    expect((await errorOf(badly.ping())).code).toBe('ERR_AIOPIPE_CLOSED');
  });

  test('does not keep the child: with nothing left to wait for it ends', async () => {
    const child = startProcess(runsDry);
    await child.ping().catch(() => undefined);
    expect((await errorOf(child.result)).code).toBe('ERR_AIOPIPE_NO_RESULT');
    expect(await child.join()).toEqual({ exitCode: 0, signalCode: null });
  });
});
