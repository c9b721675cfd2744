import { spawnSync } from 'node:child_process';
import { afterAll, describe, expect, test } from 'vitest';
import { fdsSince, leakCheck, openFds, runFixture, sharedBytes, sharedMappings, until } from '@aiopipe/testing';
import { AiopipeError, aioduplex, MovedError, SharedMemory, sharedMemory } from '@aiopipe/core';
import { channel, ChannelReader, DecodeError, EncodeError, serialize } from '@aiopipe/codec';
import { native } from '@aiopipe/core/internal';
import { errorOf, messageOf, thrownBy } from '../channel/helpers.js';
import { carried } from './helpers.js';

afterAll(leakCheck());

const hasPython = spawnSync('python3', ['-c', 'import os; os.memfd_create']).status === 0;
const MIB = 1024 * 1024;

/** Runs a line of Python, which has the memory as its descriptor 3. Returns what it printed. */
function python(line: string, fd: number): string {
  const program = `import mmap, os\ntry:\n  ${line}\nexcept OSError as error:\n  print(error.strerror)`;
  const { stdout } = spawnSync('python3', ['-c', program], { stdio: ['ignore', 'pipe', 'inherit', fd] });
  return stdout.toString().trim();
}

describe('shared memory in a message', () => {
  test('moves: the receiver has its bytes, and no view of the sender has', async () => {
    using pair = channel<{ frame: SharedMemory }>();
    const [r, w] = pair;
    const memory = sharedMemory(MIB);
    memory.bytes.fill('a');
    const { buffer, bytes } = memory;
    const views = [
      bytes,
      bytes.subarray(5, 9),
      new Float64Array(buffer),
      new Int8Array(buffer, 7),
      Buffer.from(buffer),
    ];
    const view = new DataView(buffer, 8);
    const put = w.put({ frame: memory });
    // It has moved when put() has returned.
    expect(views.map(({ length }) => length)).toEqual([0, 0, 0, 0, 0]);
    expect(thrownBy(() => view.getInt8(0))).toBeInstanceOf(TypeError);
    expect(thrownBy(() => view.setInt8(0, 1))).toBeInstanceOf(TypeError);
    expect(views.map((each) => each[0])).toEqual(new Array(5).fill(undefined));
    expect([buffer.byteLength, memory.byteLength, memory.state]).toEqual([0, 0, 'moved']);
    expect(thrownBy(() => memory.fd)).toBeInstanceOf(MovedError);
    await put;
    using frame = (await r.get()).frame;
    expect(frame).toBeInstanceOf(SharedMemory);
    expect([frame.byteLength, frame.readOnly, frame.state]).toEqual([MIB, false, 'owned']);
    expect(frame.bytes.equals(Buffer.alloc(MIB, 'a'))).toBe(true);
  });

  test('comes back at once with its bytes, again and again', async () => {
    let memory = sharedMemory(64 * 1024);
    const mapped = sharedMappings().length;
    for (let i = 0; i < 200; i++) {
      memory.bytes.fill(i);
      memory = await carried(memory);
      expect(memory.bytes.at(-1)).toBe(i & 255);
      expect(memory.bytes.length).toBe(64 * 1024);
    }
    expect(sharedMappings().length).toBeLessThanOrEqual(mapped);
    memory.close();
  });

  test('does not come back as another segment that is as long', async () => {
    const [one, other] = [sharedMemory(5000), sharedMemory(5000)];
    one.bytes.fill(1);
    other.bytes.fill(2);
    const copies = await carried([one, other]);
    expect(copies.map(({ bytes }) => bytes[0])).toEqual([1, 2]);
    const reversed = await carried(copies.reverse());
    expect(reversed.map(({ bytes }) => bytes[4999])).toEqual([2, 1]);
    for (const each of reversed) each.close();
  });

  test('arrives as one object if it stands twice in a message', async () => {
    const memory = sharedMemory(10);
    const [one, other] = await carried([memory, memory]);
    expect(one).toBe(other);
    one?.close();
  });

  test('a share gives both sides the same pages', async () => {
    using memory = sharedMemory(MIB);
    const share = memory.share();
    using there = await sent(share);
    expect([share.state, memory.state, there.byteLength]).toEqual(['moved', 'owned', MIB]);
    memory.bytes[3] = 1;
    there.bytes[4] = 2;
    expect([there.bytes[3], memory.bytes[4]]).toEqual([1, 2]);
    memory.close();
    expect([there.bytes[3], there.bytes[4]]).toEqual([1, 2]);
  });

  test('throws EncodeError in serialize() and over JSON, and stays', async () => {
    using memory = sharedMemory(10);
    using share = memory.share();
    using pair = channel<unknown>({ encoder: 'json', decoder: 'json' });
    for (const handle of [memory, share]) {
      expect(thrownBy(() => serialize({ list: [handle] }))).toMatchObject({
        code: 'ERR_AIOPIPE_ENCODE',
        path: 'value.list[0]',
      });
      const error = await errorOf(pair[1].put({ list: [handle] }));
      expect(error).toBeInstanceOf(EncodeError);
      expect(error).toMatchObject({ path: 'value.list[0]' });
      expect(handle.state).toBe('owned');
    }
  });

  test.runIf('transfer' in ArrayBuffer.prototype)(
    'cannot move if other code has transferred its ArrayBuffer, and what stands beside it stays',
    async () => {
      using pair = channel<unknown>();
      using memory = sharedMemory(10);
      using other = sharedMemory(10);
      const taken = (memory.buffer as ArrayBuffer & { transfer(): ArrayBuffer }).transfer();
      const error = await errorOf(pair[1].put([other, memory]));
      expect(error).toMatchObject({ code: 'ERR_AIOPIPE_TRANSFERRED' });
      expect([taken.byteLength, other.byteLength, other.state, memory.state]).toEqual([10, 10, 'owned', 'owned']);
    },
  );

  test('that no receiver takes is closed and unmapped', async () => {
    const before = openFds();
    const mapped = sharedMappings().length;
    const [r, w] = channel<unknown>();
    await w.put([sharedMemory(10), sharedMemory(MIB)]);
    await w.put('next');
    r.close();
    w.close();
    await until('nothing is mapped', () => sharedMappings().length <= mapped);
    expect(fdsSince(before)).toEqual([]);
  });
});

/** Returns what the receiver makes of a share. */
async function sent(share: unknown): Promise<SharedMemory> {
  return (await carried(share)) as SharedMemory;
}

describe('memory that is shared read-only', () => {
  test('shows what its owner writes; what the receiver writes stays with the receiver', async () => {
    using memory = sharedMemory(3 * 4096);
    memory.bytes.fill('a');
    using there = await sent(memory.share({ readOnly: true }));
    expect([there.readOnly, memory.readOnly]).toEqual([true, false]);
    expect(there.bytes.equals(memory.bytes)).toBe(true);
    memory.bytes[1] = 1;
    expect(there.bytes[1]).toBe(1);
    there.bytes[2] = 2;
    expect(memory.bytes.toString('latin1', 2, 4)).toBe('aa');
    // That page is the receiver's own now. The others are not.
    memory.bytes[3] = 3;
    memory.bytes[4096] = 4;
    expect([there.bytes[2], there.bytes.toString('latin1', 3, 4), there.bytes[4096]]).toEqual([2, 'a', 4]);
  });

  test.runIf(hasPython)('cannot be written by any process that gets it', async () => {
    using memory = sharedMemory(4096);
    using share = memory.share({ readOnly: true });
    const write = 'm = mmap.mmap(3, 0); m[0:4] = b"evil"; print("written")';
    expect(python(write, share.fd)).toBe('Operation not permitted');
    expect(python(write, memory.fd)).toBe('Operation not permitted');
    expect(python('os.write(3, b"evil"); print("written")', share.fd)).toBe('Operation not permitted');
    expect(python('os.open("/proc/self/fd/3", os.O_RDWR); os.write(3, b"evil"); print("written")', share.fd)).toBe(
      'Operation not permitted',
    );
    memory.bytes.write('good');
    expect(python('print(mmap.mmap(3, 0, prot=mmap.PROT_READ)[0:4].decode())', share.fd)).toBe('good');
  });

  test('cannot be shared for writing, nor move, afterwards', async () => {
    using pair = channel<unknown>();
    using memory = sharedMemory(10);
    using first = memory.share({ readOnly: true });
    using again = memory.share({ readOnly: true });
    expect([first.readOnly, again.readOnly]).toEqual([true, true]);
    for (const error of [thrownBy(() => memory.share()), await errorOf(pair[1].put(memory))]) {
      expect(error).toBeInstanceOf(AiopipeError);
      expect(error).toMatchObject({ code: 'ERR_AIOPIPE_READ_ONLY' });
      expect(error.message).toContain('send share({ readOnly: true })');
    }
    expect([memory.state, memory.byteLength]).toEqual(['owned', 10]);
  });

  test('moves on from its receiver, and is read-only there, too', async () => {
    using memory = sharedMemory(10);
    const second = await sent(memory.share({ readOnly: true }));
    second.bytes[0] = 9;
    using third = await sent(second.share());
    using fourth = await sent(second);
    memory.bytes.fill(1);
    expect([third.readOnly, fourth.readOnly, third.bytes[0], fourth.bytes[0]]).toEqual([true, true, 1, 1]);
  });

  test('is refused if it was sent for writing before', async () => {
    using pair = channel<unknown>();
    const [r, w] = pair;
    using memory = sharedMemory(10);
    await w.put(memory.share());
    using _share = memory.share({ readOnly: true });
    const error = await errorOf(r.get());
    expect(error).toBeInstanceOf(DecodeError);
    expect(error).toMatchObject({ fatal: false, cause: { code: 'ERR_AIOPIPE_READ_ONLY' } });
    await w.put('next');
    expect(await r.get()).toBe('next');
  });
});

describe('a hostile peer', () => {
  const right = { byteLength: 100, readOnly: false };

  /** What the receiver says of a message that a peer made by hand, and what it has left open and mapped. */
  async function receive(data: unknown, ...fds: number[]) {
    const before = openFds().size;
    const mapped = sharedMappings().length;
    const [mine, tap] = aioduplex();
    using reader = ChannelReader.from(mine);
    native().setNonblocking(tap.fd, 1);
    native().writeParts(tap.fd, [messageOf(['SharedMemory', fds.length, data])], 0, true, Int32Array.from(fds));
    const outcome: unknown = await reader.get().catch((error: unknown) => error);
    tap.close();
    const made = Array.isArray(outcome) ? (outcome[0] as SharedMemory) : undefined;
    const { byteLength } = made ?? {};
    made?.close();
    reader.close();
    expect(openFds().size).toBe(before);
    expect(sharedMappings().length).toBeLessThanOrEqual(mapped);
    return byteLength ?? outcome;
  }

  test.each([
    { byteLength: 101, readOnly: false },
    { byteLength: 2 ** 40, readOnly: true },
    { byteLength: 0, readOnly: false },
    { byteLength: -1, readOnly: false },
    { byteLength: 1.5, readOnly: false },
    { byteLength: Infinity, readOnly: false },
    { byteLength: '100', readOnly: false },
    { byteLength: 100 },
    { byteLength: 100, readOnly: 'yes' },
    { readOnly: true },
    null,
    undefined,
    'memory',
    new Map([['byteLength', 100]]),
  ])('that describes memory as %o gets an error', async (data) => {
    using memory = sharedMemory(100);
    const error = await receive(data, memory.fd);
    expect(error).toBeInstanceOf(DecodeError);
    expect(error).toMatchObject({ fatal: false });
    expect((error as Error).message).toContain('a received SharedMemory could not be opened: ');
  });

  test('that names less than there is gives less, and one that says read-only gives what the system says', async () => {
    using memory = sharedMemory(100);
    expect(await receive(right, memory.fd)).toBe(100);
    expect(await receive({ byteLength: 60, readOnly: false }, memory.fd)).toBe(60);
    expect(await receive({ byteLength: 100, readOnly: true }, memory.fd)).toBe(100);
    using _share = memory.share({ readOnly: true });
    expect(await receive({ byteLength: 100, readOnly: true }, memory.fd)).toBe(100);
    expect(await receive(right, memory.fd)).toMatchObject({ cause: { code: 'ERR_AIOPIPE_READ_ONLY' } });
  });

  test('that sends no descriptor, or two, gets an error', async () => {
    using memory = sharedMemory(100);
    expect(await receive(right, memory.fd, memory.fd)).toBeInstanceOf(DecodeError);
    const [mine, tap] = aioduplex();
    using reader = ChannelReader.from(mine);
    native().setNonblocking(tap.fd, 1);
    native().writeParts(tap.fd, [messageOf(['SharedMemory', 0, right])], 0, true);
    expect(await errorOf(reader.get())).toBeInstanceOf(DecodeError);
    tap.close();
  });

  test.runIf(hasPython)('cannot make memory shorter that moved', async () => {
    const there = await carried(sharedMemory(MIB));
    expect(python('os.ftruncate(3, 1); print("cut")', there.fd)).toBe('Operation not permitted');
    expect(there.bytes.at(-1)).toBe(0);
    there.close();
  });
});

test('a worker thread is a place like any other', async () => {
  const { code, stdout, stderr } = await runFixture('shares-with-a-thread');
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: 'moved there and back: 1000 times, 1000\nthe thread wrote: 42\nleft: 0 open, 0 mapped\n',
    stderr: '',
  });
});

test('killed receivers and senders leave no memory behind', async () => {
  const before = sharedBytes();
  const { code, stdout, stderr } = await runFixture('is-killed-with-memory', { args: ['1000'] });
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '1000 moved\n0 open, 0 mapped\n', stderr: '' });
  // They had written 256 MiB. Others on this machine use shared memory, too.
  await until('the memory is free', () => sharedBytes() < before + 32 * MIB);
});
