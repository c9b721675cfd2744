import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { aioduplex } from '@aiopipe/core';
import { Channel, channel, expose, proxy, type Remote } from '@aiopipe/codec';
import { errorOf, gate, isPending, thrownBy, withPair } from './helpers.js';

afterAll(leakCheck());

describe('the channel', () => {
  test('carries calls alone: get() and put() reject with BusyError', async () => {
    await withPair(async (here, there) => {
      expose(there, { one: () => 1 });
      const remote = proxy<{ one(): number }>(here);
      for (const error of [
        await errorOf(here.get()),
        await errorOf(here.put(1)),
        thrownBy(() => here.tryGet()),
        await errorOf(here[Symbol.asyncIterator]().next()),
        thrownBy(() => here.validate({ '~standard': { version: 1, vendor: 'x', validate: (value) => ({ value }) } })),
      ]) {
        expect(error).toMatchObject({ code: 'ERR_AIOPIPE_BUSY' });
        expect(error.message).toMatch(/^channel end made at .*: calls \(expose\(\) or proxy\(\)\) use this channel/);
      }
      expect(await remote.one()).toBe(1);
      const [carrier, other] = channel({ duplex: true });
      expect(await errorOf(carrier.put(here))).toMatchObject({ code: 'ERR_AIOPIPE_BUSY' });
      carrier.close();
      other.close();
    });
  });

  test('must be a duplex channel of values without another reader', async () => {
    await withPair(async (here) => {
      const message = here.get();
      expect(thrownBy(() => proxy(here))).toMatchObject({ code: 'ERR_AIOPIPE_BUSY' });
      here[Symbol.dispose]();
      await errorOf(message);
    });
    using bytes = channel({ duplex: true, encoder: null, decoder: null });
    expect(() => proxy(bytes[0])).toThrow(/^proxy: channel end made at .* carries only bytes/);
    using simplex = channel();
    for (const wrong of [simplex[0], simplex[1], {}, null, 3, process.stdin]) {
      expect(() => proxy(wrong as never)).toThrow(/^proxy: expected a Channel of channel\({ duplex: true }\), not /);
      expect(() => expose(wrong as never, { one: () => 1 })).toThrow(/^expose: expected a Channel/);
    }
    const [closed, other] = channel({ duplex: true });
    closed.close();
    other.close();
    expect(() => proxy(closed)).toThrow(/is closed/);
  });

  test('can be closed between calls, and is busy during one', async () => {
    const [here, there] = channel({ duplex: true });
    const { promise, open } = gate();
    const exposed = expose(there, { wait: () => promise });
    const call = proxy<{ wait(): Promise<void> }>(here).wait();
    expect(await isPending(call)).toBe(true);
    for (const end of [here, there]) {
      expect(thrownBy(() => end.close())).toMatchObject({ code: 'ERR_AIOPIPE_BUSY' });
    }
    open();
    await call;
    here.close();
    await exposed.closed;
    there.close();
  });

  test('serves one object at a time, and can serve another one later', async () => {
    await withPair(async (here, there) => {
      const remote = proxy<{ one(): number; two(): number; slow(): Promise<number> }>(here);
      const { promise, open } = gate<number>();
      const first = expose(there, { one: () => 1, slow: () => promise });
      expect(thrownBy(() => expose(there, { two: () => 2 }))).toMatchObject({ code: 'ERR_AIOPIPE_BUSY' });
      const slow = remote.slow();
      expect(await remote.one()).toBe(1);
      first.close();
      await first.closed;
      expect(await errorOf(remote.one())).toMatchObject({
        code: 'ERR_AIOPIPE_NO_METHOD',
        message: "'one': the other side exposes no object: call expose() there",
      });
      {
        using second = expose(there, { two: () => 2 });
        first.close();
        expect(await remote.two()).toBe(2);
        open(5);
        expect(await slow).toBe(5);
        void second;
      }
      expect(await errorOf(remote.two())).toMatchObject({ code: 'ERR_AIOPIPE_NO_METHOD' });
    });
  });
});

interface Stalled {
  wait(): Promise<void>;
  watch(): AsyncGenerator<number>;
}

/** Exposes an object whose calls go on until `open()`. */
function stalled(here: Channel, there: Channel): { readonly remote: Remote<Stalled>; readonly open: () => void } {
  const { promise, open } = gate();
  expose(there, {
    wait: () => promise,
    async *watch() {
      yield 1;
      await promise;
    },
  });
  return { remote: proxy<Stalled>(here), open };
}

describe('when the channel ends', () => {
  test.each<[string, (here: Channel, there: Channel) => void, string]>([
    ['the peer closes', (_, there) => there[Symbol.dispose](), 'ERR_AIOPIPE_END_OF_STREAM'],
    ['this side disposes of it', (here) => here[Symbol.dispose](), 'ERR_AIOPIPE_CLOSED'],
  ])('because %s, open calls and later ones reject with the reason', async (_how, end, code) => {
    await withPair(async (here, there) => {
      const { remote, open } = stalled(here, there);
      const calls = Array.from({ length: 100 }, () => remote.wait());
      const items = remote.watch();
      expect((await items.next()).value).toBe(1);
      const next = items.next();
      end(here, there);
      for (const call of calls) expect(await errorOf(call)).toMatchObject({ code });
      expect(await errorOf(next)).toMatchObject({ code });
      expect(await items.next()).toEqual({ done: true, value: undefined });
      expect(await errorOf(remote.wait())).toMatchObject({ code });
      expect(await errorOf(proxy<{ wait(): void }>(here).wait()).catch((error: unknown) => error)).toMatchObject({
        code,
      });
      open();
    });
  });

  test('because the peer closes, each error names its call, and what became of it', async () => {
    await withPair(async (here, there) => {
      const { remote, open } = stalled(here, there);
      const call = remote.wait();
      const items = remote.watch();
      await items.next();
      const next = items.next();
      there[Symbol.dispose]();
      const gone = 'the peer closed the channel, or died,';
      const error = await errorOf(call);
      expect(error.message.endsWith(`: ${gone} before it answered wait()`), error.message).toBe(true);
      expect(error.cause).toMatchObject({ code: 'ERR_AIOPIPE_END_OF_STREAM' });
      expect((await errorOf(next)).message).toContain(`${gone} before watch() had yielded all items`);
      expect((await errorOf(remote.wait())).message).toContain(`${gone} so wait() cannot be called`);
      open();
    });
  });

  test('inside a message, the error names the call, too', async () => {
    const [ours, theirs] = aioduplex();
    using here = Channel.from(ours);
    const call = errorOf(proxy<{ wait(): Promise<void> }>(here).wait());
    const { reader, writer } = theirs.open();
    await reader.read(1);
    await writer.write(Buffer.from([0, 0, 0, 9, 1]));
    await writer.close();
    const error = await call;
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_END_OF_STREAM', cause: { code: 'ERR_AIOPIPE_INCOMPLETE_READ' } });
    expect(error.message).toContain('before it answered wait()');
    reader.close();
  });

  test('`closed` of what was exposed resolves for an orderly end', async () => {
    for (const end of [0, 1]) {
      const [here, there] = channel({ duplex: true });
      const exposed = expose(there, { one: () => 1 });
      (end === 0 ? here : there).close();
      await exposed.closed;
      here[Symbol.dispose]();
      there[Symbol.dispose]();
    }
  });

  test('a user that watches `closed` of the channel hears of it, too', async () => {
    const [here, there] = channel({ duplex: true });
    const closed = errorOf(here.closed);
    const remote = proxy<{ one(): number }>(here);
    const exposed = expose(there, { one: () => 1 });
    expect(await remote.one()).toBe(1);
    there.close();
    await exposed.closed;
    expect(await closed).toMatchObject({ code: 'ERR_AIOPIPE_END_OF_STREAM' });
    here.close();
  });
});
