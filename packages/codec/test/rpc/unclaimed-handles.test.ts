import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { aiopipe } from '@aiopipe/core';
import { channel, ChannelReader, expose } from '@aiopipe/codec';
import { CALL, CANCEL, errorOf, gate, ITEM, RESULT, soon, STREAM, turns, withPair, withVictim } from './helpers.js';

afterAll(leakCheck());

describe('handles that no code gets are closed', () => {
  const end = () => {
    const [rx, tx] = aiopipe();
    return { rx, tx };
  };
  /** Resolves once the other end of `rx` is closed. */
  const closed = async (rx: ReturnType<typeof end>['rx']) => {
    await using reader = rx.open();
    expect(await soon(reader.read(), 'the end of the pipe')).toHaveLength(0);
  };

  test('in the arguments of a call that is refused', async () => {
    await withVictim(async (raw) => {
      const { rx, tx } = end();
      await raw.put([CALL, 1, 'none', [{ deep: new Map([['tx', [tx]]]) }]]);
      await closed(rx);
    });
  });

  test('in an answer that comes after the call was cancelled', async () => {
    await withVictim(async (raw, { remote }) => {
      await errorOf(remote.one.with({ timeout: 1 })());
      const { rx, tx } = end();
      await raw.put([RESULT, 1, { tx }]);
      await closed(rx);
    });
  });

  test('in a result of a call that was cancelled', async () => {
    await withPair(async (raw, there) => {
      const { promise, open } = gate<unknown>();
      expose(there, { wait: () => promise });
      await raw.put([CALL, 1, 'wait', []]);
      await raw.put([CANCEL, 1]);
      await turns();
      const { rx, tx } = end();
      open([tx]);
      await closed(rx);
    });
  });

  test('in items that the loop did not take', async () => {
    await withVictim(async (raw, { remote }) => {
      const items = remote.watch();
      const first = items.next();
      await raw.put([STREAM, 1]);
      await raw.put([ITEM, 1, 1]);
      const { rx, tx } = end();
      await raw.put([ITEM, 1, tx]);
      await first;
      await items.return(undefined as never);
      await closed(rx);
    });
  });

  test('in a message with another handle that cannot be made', async () => {
    await withVictim(async (raw, { remote }) => {
      const call = remote.one();
      await raw.get();
      const [reader, writer] = channel();
      const { rx, tx } = end();
      await raw.put([RESULT, 1, [tx, reader]]);
      const value = (await call) as unknown as [Disposable, ChannelReader];
      expect(value[1]).toBeInstanceOf(ChannelReader);
      for (const handle of value) handle[Symbol.dispose]();
      writer[Symbol.dispose]();
      await closed(rx);
    });
  });
});
