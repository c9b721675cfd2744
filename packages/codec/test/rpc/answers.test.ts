import { once } from 'node:events';
import { createServer } from 'node:net';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { aiopipe } from '@aiopipe/core';
import { callSignal, expose, proxy } from '@aiopipe/codec';
import { errorOf, gate, soon, thrownBy, turns, withPair } from './helpers.js';

afterAll(leakCheck());

describe('an answer that cannot be sent', () => {
  test('is an error that is too long for a frame: the call rejects, and says so', async () => {
    await withPair(
      async (here, there) => {
        const service = {
          fail() {
            throw new RangeError('x'.repeat(5000));
          },
        };
        expose(there, service);
        const error = await errorOf(soon(proxy<typeof service>(here).fail(), 'the error'));
        expect(error.message).toMatch(/its error \(RangeError\) cannot be sent: .*maxFrameLength/);
      },
      { maxFrameLength: 1024 },
    );
  });

  test('is any error, with an encoder that takes none: the channel ends', async () => {
    const encoder = (value: unknown) => {
      if (Array.isArray(value) && value[0] === 3) throw new Error('no errors');
      return Buffer.from(JSON.stringify(value));
    };
    await withPair(
      async (here, there) => {
        const service = {
          fail() {
            throw new Error('x');
          },
        };
        const { closed } = expose(there, service);
        await errorOf(soon(proxy<typeof service>(here).fail(), 'the error'));
        expect((await errorOf(closed)).message).toContain('no errors');
      },
      { encoder, decoder: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as unknown },
    );
  });

  test('a reason that is too long is left out: the other side is still cancelled', async () => {
    await withPair(
      async (here, there) => {
        const aborted = gate<unknown>();
        const service = {
          wait: () =>
            new Promise<void>((resolve) => {
              const signal = callSignal();
              signal.addEventListener('abort', () => {
                aborted.open(signal.reason);
                resolve();
              });
            }),
        };
        expose(there, service);
        const controller = new AbortController();
        const call = proxy<typeof service>(here).wait.with({ signal: controller.signal })();
        await turns(3);
        controller.abort(new Error('x'.repeat(5000)));
        await errorOf(call);
        expect(await soon(aborted.promise, 'the abort')).toHaveProperty('name', 'AbortError');
      },
      { maxFrameLength: 1024 },
    );
  });
});

describe('a result whose caller no longer waits', () => {
  /** Lets a method return `result` after its call was cancelled. */
  async function returnedLate(result: unknown): Promise<void> {
    await withPair(async (here, there) => {
      const { promise, open } = gate();
      const service = {
        async late() {
          await promise;
          return result;
        },
      };
      expose(there, service);
      const controller = new AbortController();
      const call = proxy<typeof service>(here).late.with({ signal: controller.signal })();
      await turns(3);
      controller.abort();
      await errorOf(call);
      await turns(3);
      open();
      await turns(3);
    });
  }

  test('closes its handles that would have moved', async () => {
    const [rx, tx] = aiopipe();
    await returnedLate({ rx });
    expect(rx.state).toBe('moved');
    tx.close();
  });

  test('leaves a server open: it would have been shared', async () => {
    const server = createServer().listen(0);
    await once(server, 'listening');
    await returnedLate({ server });
    expect(server.listening).toBe(true);
    server.close();
  });

  test('leaves what is within an object that cannot be sent', async () => {
    class Client {
      constructor(readonly rx: unknown) {}
    }
    const [rx, tx] = aiopipe();
    await returnedLate(new Client(rx));
    expect(rx.state).toBe('owned');
    rx.close();
    tx.close();
  });
});

test('a result whose own code throws rejects its call alone', async () => {
  await withPair(async (here, there) => {
    const service = {
      odd: () => Object.assign(Promise.resolve(1), { then: () => thrown('then') }),
      trapped: () => new Proxy([], { has: () => thrown('has'), get: () => thrown('get') }) as unknown,
      well: () => 'well',
    };
    expose(there, service);
    const remote = proxy<{ odd(): number; trapped(): number; well(): string }>(here);
    expect((await errorOf(soon(remote.odd(), 'odd()'))).message).toBe('then');
    expect((await errorOf(soon(remote.trapped(), 'trapped()'))).message).toBe('get');
    expect(await remote.well()).toBe('well');
  });
});

function thrown(message: string): never {
  throw new Error(message);
}

test('an error of another realm arrives without the fields that cannot be sent', async () => {
  await withPair(async (here, there) => {
    const service = {
      fail() {
        throw runInNewContext(
          "Object.assign(new RangeError('far', { cause: new TypeError('deep') }), { code: 'E_FAR', retry() {} })",
        );
      },
    };
    expose(there, service);
    const error = await errorOf(soon(proxy<typeof service>(here).fail(), 'the error'));
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: 'far', code: 'E_FAR', cause: { name: 'TypeError', message: 'deep' } });
    expect(error).not.toHaveProperty('retry');
  });
});

test('a getter in the arguments may make a call of its own', async () => {
  await withPair(async (here, there) => {
    const service = { give: (value: unknown) => value };
    expose(there, service);
    const remote = proxy<typeof service>(here);
    let inner: Promise<unknown> | undefined;
    const outer = remote.give({
      get value() {
        inner ??= remote.give('inner');
        return 'outer';
      },
    });
    expect(await outer).toEqual({ value: 'outer' });
    expect(await inner).toBe('inner');
  });
});

test('a schema for a method that the object lacks is a TypeError', async () => {
  await withPair(async (_here, there) => {
    const any = { '~standard': { version: 1 as const, vendor: 'test', validate: (value: unknown) => ({ value }) } };
    const service = { add: (n: number) => n };
    const wrong = () => expose(there, service, { schemas: { ad: any } });
    expect(thrownBy(wrong).message).toBe('schemas.ad: the object has no such method; its methods are add');
    await Promise.resolve();
  });
});
