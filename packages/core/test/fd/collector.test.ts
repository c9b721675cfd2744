import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  closeFd,
  collectGarbage,
  fixture,
  leakCheck,
  noteWarnings,
  openFds,
  runFixture,
  until,
} from '@aiopipe/testing';
import { aioduplex, aiopipe, type PipeReader, type ReadEnd } from '@aiopipe/core';
import { isPending, turns, writeAll } from '../helpers.js';

afterAll(leakCheck());

const warnings = noteWarnings({ beforeEach, afterEach });

/** Makes something in a frame of its own, so that nothing here refers to it afterwards. */
function drop(make: () => number[]): number[] {
  return make();
}

async function closed(fds: number[]): Promise<void> {
  await until('the dropped ends are closed', async () => {
    await collectGarbage();
    const open = openFds();
    return fds.every((fd) => !open.has(fd));
  });
  await turns();
}

/** The numbers without anyone's having asked for them: those that a call opened. */
function fdsOf(make: () => unknown): number[] {
  const before = openFds();
  make();
  const after = openFds();
  const later = openFds();
  return [...after.keys()].filter((fd) => !before.has(fd) && later.has(fd));
}

describe('an object that is dropped without close', () => {
  test('an end is closed, with one warning that names where it was made', async () => {
    const [rx, tx] = aiopipe();
    const fds = drop(() =>
      fdsOf(() => {
        aiopipe()[0].close();
      }),
    );
    expect(fds).toHaveLength(1);
    await closed(fds);
    expect(warnings.map(({ name, code }) => [name, code])).toEqual([['AiopipeWarning', 'AIOPIPE_DROPPED']]);
    expect(warnings[0]?.message).toMatch(
      /^A write end made at .*collector\.test\.ts:\d+:\d+ was dropped without close/,
    );
    expect(warnings[0]?.message).not.toMatch(/its `fd` was read/);
    rx.close();
    tx.close();
  });

  test('a stream that the object which made it keeps is closed with that object', async () => {
    class Keeper {
      readonly stream = this.#make();
      #make() {
        const [rx, tx] = aiopipe();
        tx.close();
        return rx.open();
      }
    }
    await closed(drop(() => fdsOf(() => new Keeper())));
    expect(warnings).toHaveLength(1);
  });

  test('an end whose fd was read says that, too', async () => {
    await closed(
      drop(() => {
        const [rx, tx] = aiopipe();
        tx.close();
        return [rx.fd];
      }),
    );
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.message).toMatch(/its `fd` was read/);
  });

  test('an open reader and an open writer are closed, idle though their poll handle is', async () => {
    const [rx, tx] = aiopipe();
    await closed(
      await (async () => {
        const { fd } = rx;
        const reader = rx.open();
        const waiting = reader.read(1);
        writeAll(tx.fd, Buffer.from('x'));
        await waiting;
        return [fd];
      })(),
    );
    expect(rx.state).toBe('closed');
    await closed(
      drop(() => {
        const { fd } = tx;
        tx.open();
        return [fd];
      }),
    );
    expect(tx.state).toBe('closed');
    // Made at the same place: that was told already.
    expect(warnings.map(({ message }) => message.slice(0, 10))).toEqual(['A read end']);
  });

  test('four hundred pipes made at one place bring few warnings, with how many there were', async () => {
    const fds = drop(() =>
      fdsOf(() => {
        for (let i = 0; i < 400; i++) aiopipe();
      }),
    );
    expect(fds).toHaveLength(800);
    await closed(fds);
    expect(warnings.length).toBeGreaterThan(0);
    expect(warnings.length).toBeLessThanOrEqual(3);
    expect(warnings.at(-1)?.message).toMatch(/^\d\d+ ends, streams, channels or hubs made at .*collector\.test\.ts/);
  });

  test('both directions of a duplex are closed with one warning', async () => {
    const [one, other] = aioduplex();
    await closed(
      drop(() => {
        const { fd } = one;
        one.open();
        return [fd];
      }),
    );
    expect(one.state).toBe('closed');
    expect(warnings).toHaveLength(1);
    other.close();
  });

  test('what detach() lent is closed if its scope never ends', async () => {
    const [rx, tx] = aiopipe();
    await closed(drop(() => [tx.detach().fd]));
    expect(warnings).toHaveLength(1);
    rx.close();
  });

  test('a descriptor that other code has closed does not end the program', async () => {
    drop(() => {
      const [rx, tx] = aiopipe();
      tx.close();
      closeFd(rx.fd);
      return [];
    });
    await until('the warning', async () => {
      await collectGarbage();
      return warnings.length > 0;
    });
    await turns();
  });
});

describe('an object that is not dropped', () => {
  test('a closed, detached, released or moved end brings no warning', async () => {
    drop(() => {
      const [rx, tx] = aiopipe();
      rx.close();
      tx.detach(() => undefined);
      const [a, b] = aioduplex();
      closeFd(a.release());
      b[Symbol.dispose]();
      return [];
    });
    await collectGarbage();
    await turns();
    expect(warnings).toEqual([]);
  });

  test.each<[string, (reader: PipeReader) => Promise<unknown>, unknown]>([
    ['read', (reader) => reader.read(4), Buffer.from('abc\n')],
    ['readExactly', (reader) => reader.readExactly(4), Buffer.from('abc\n')],
    ['readInto', (reader) => reader.readInto(Buffer.alloc(4)), 4],
    ['readLine', (reader) => reader.readLine(), Buffer.from('abc\n')],
    ['readUntil', (reader) => reader.readUntil('c\n'), Buffer.from('abc\n')],
    ['lines', (reader) => reader.lines().next(), { done: false, value: 'abc' }],
  ])('a reader of which only a waiting %s is left goes on', async (_name, read, expected) => {
    const [rx, tx] = aiopipe();
    const waiting = (() => read(rx.open()))();
    await collectGarbage();
    expect(await isPending(waiting)).toBe(true);
    writeAll(tx.fd, Buffer.from('abc\n'));
    expect(await waiting).toEqual(expected);
    await until('the reader is collected then', async () => {
      await collectGarbage();
      return rx.state === 'closed';
    });
    tx.close();
  });

  test('a writer of which only unflushed bytes are left writes them', async () => {
    const [rx, tx] = aiopipe({ capacity: 4096 });
    (() => {
      void tx.open().write(Buffer.alloc(50_000));
    })();
    await collectGarbage();
    await using reader = rx.open();
    const all = reader.readExactly(50_000);
    await collectGarbage();
    expect(await all).toHaveLength(50_000);
    await until('the writer is collected then', async () => {
      await collectGarbage();
      return tx.state === 'closed';
    });
  });

  test('a stream whose end was dropped goes on', async () => {
    const open = (): [ReturnType<ReadEnd['open']>, number] => {
      const [rx, tx] = aiopipe();
      return [rx.open(), tx.release()];
    };
    const [reader, fd] = open();
    await collectGarbage();
    writeAll(fd, Buffer.from('on'));
    closeFd(fd);
    expect((await reader.read()).toString()).toBe('on');
    expect(warnings).toEqual([]);
    reader.close();
  });
});

test('ends that are dropped in a worker thread are closed there, with a warning', async () => {
  const result = await runFixture('drops-in-a-worker', { execArgv: ['--expose-gc'] });
  expect(result.stderr.match(/AiopipeWarning: .* made at .*drops-in-a-worker/g)).toHaveLength(1);
  expect(result).toMatchObject({ code: 0, stdout: 'closed\n' });
});

test('dropped ends are closed, also if the program makes call sites of all stacks', async () => {
  const { stdout } = await runFixture('drops-with-call-sites', { execArgv: ['--expose-gc', '--no-warnings'] });
  expect(stdout).toBe('0 left\n');
});

test('a program that keeps dropping pipes does not run out of descriptors', async () => {
  const limited = ['-c', 'ulimit -n 1024 && exec "$0" "$@"', process.execPath, '--no-warnings'];
  const { stdout } = await promisify(execFile)('sh', [...limited, fixture('drops-many-pipes'), '20000']);
  expect(stdout).toBe('made 20000 pipes\n');
});
