import { constants, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants as limits } from 'node:buffer';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, test } from 'vitest';
import {
  closeFd,
  collectGarbage,
  leakCheck,
  openFd,
  openFds,
  runFixture,
  sharedMappings,
  until,
} from '@aiopipe/testing';
import { aioduplex, aiopipe, ClosedError, MovedError, SharedMemory, sharedMemory } from '@aiopipe/core';
import { native } from '@aiopipe/core/internal';
import { thrownBy } from '../helpers.js';

afterAll(leakCheck());

const hasPython = spawnSync('python3', ['-c', 'import os; os.memfd_create']).status === 0;
const MIB = 1024 * 1024;

/** Views of all kinds of the whole memory. */
function viewsOf({ bytes, buffer }: SharedMemory) {
  return [
    bytes,
    bytes.subarray(10, 20),
    new Uint8Array(buffer),
    new Float64Array(buffer, 8, 2),
    new DataView(buffer),
    Buffer.from(buffer, 3),
  ];
}

const lengthOf = (view: ArrayBufferView): number => {
  try {
    return view.byteLength;
  } catch (error) {
    // A DataView says so.
    expect(error).toBeInstanceOf(TypeError);
    return 0;
  }
};

describe('shared memory', () => {
  test('has as many bytes as were asked for, all zero, in one ArrayBuffer', () => {
    using memory = sharedMemory(5000);
    expect(memory.byteLength).toBe(5000);
    expect(memory.bytes).toBeInstanceOf(Buffer);
    expect(memory.bytes.equals(Buffer.alloc(5000))).toBe(true);
    expect(memory.bytes.buffer).toBe(memory.buffer);
    expect(memory.bytes).toBe(memory.bytes);
    expect([memory.state, memory.readOnly]).toEqual(['owned', false]);
    new DataView(memory.buffer).setUint16(4998, 0x6869);
    expect(memory.bytes.toString('latin1', 4998)).toBe('hi');
  });

  test('has a descriptor that is closed at exec, and cannot change its length', () => {
    using memory = sharedMemory(MIB);
    expect(statSync(`/proc/self/fd/${String(memory.fd)}`).size).toBe(MIB);
    expect(readFileSync(`/proc/self/fdinfo/${String(memory.fd)}`, 'utf8')).toMatch(/^flags:\s+0*2\d{6}$/m);
    const truncate = spawnSync('python3', ['-c', 'import os; os.ftruncate(3, 100)'], {
      stdio: ['ignore', 'ignore', 'pipe', memory.fd],
    });
    if (hasPython) expect(truncate.stderr.toString()).toContain('PermissionError');
    expect(memory.bytes[MIB - 1]).toBe(0);
  });

  test.each([
    [
      'close()',
      (memory: SharedMemory) => {
        memory.close();
      },
      'closed',
    ],
    [
      'disposal',
      (memory: SharedMemory) => {
        memory[Symbol.dispose]();
      },
      'closed',
    ],
    [
      'release()',
      (memory: SharedMemory) => {
        native().close(memory.release());
      },
      'moved',
    ],
  ] as const)('after %s, no view has the pages, and calls throw', async (_name, end, state) => {
    const before = [openFds().size, sharedMappings().length];
    const memory = sharedMemory(MIB);
    const views = viewsOf(memory);
    expect(views.map(lengthOf)).toEqual([MIB, 10, MIB, 16, MIB, MIB - 3]);
    end(memory);
    expect(views.map(lengthOf)).toEqual([0, 0, 0, 0, 0, 0]);
    expect([memory.byteLength, memory.bytes.length, memory.buffer.byteLength, memory.state]).toEqual([0, 0, 0, state]);
    const error = state === 'closed' ? ClosedError : MovedError;
    for (const call of [
      () => memory.fd,
      () => memory.share(),
      () => {
        memory.close();
      },
      () => memory.release(),
    ]) {
      expect(thrownBy(call)).toBeInstanceOf(error);
      expect(thrownBy(call).message).toContain('shared memory segment made at');
    }
    memory[Symbol.dispose]();
    // A released segment may come back: its pages stay mapped for a moment.
    await until('it is unmapped', () => sharedMappings().length === before[1]);
    expect(openFds().size).toBe(before[0]);
  });

  test.each([0, -1, 1.5, NaN, Infinity, limits.MAX_LENGTH + 2, '5', null, undefined])(
    'a length of %s throws TypeError',
    (length) => {
      expect(thrownBy(() => sharedMemory(length as number))).toBeInstanceOf(TypeError);
      expect(thrownBy(() => sharedMemory(length as number)).message).toMatch(
        /^byteLength: expected a whole number of bytes/,
      );
    },
  );

  test('unknown options and values of share() throw TypeError', () => {
    using memory = sharedMemory(1);
    expect(thrownBy(() => memory.share({ readonly: true } as never)).message).toContain('did you mean readOnly?');
    expect(thrownBy(() => memory.share({ readOnly: 1 as never })).message).toContain(
      'readOnly: expected true or false',
    );
  });

  test('a share is a descriptor of the same pages, and outlives the memory', () => {
    const memory = sharedMemory(100);
    const share = memory.share();
    expect([share.byteLength, share.readOnly, share.state]).toEqual([100, false, 'owned']);
    memory.bytes.fill('x');
    memory.close();
    using again = SharedMemory.fromFd(share.release());
    expect(again.bytes.toString()).toBe('x'.repeat(100));
    expect(share.state).toBe('moved');
    expect(thrownBy(() => share.fd)).toBeInstanceOf(MovedError);
  });

  test('a share maps the pages when they are used, and has none once it is closed', () => {
    using memory = sharedMemory(MIB);
    memory.bytes[5] = 5;
    const before = sharedMappings().length;
    const [used, unused] = [memory.share(), memory.share()];
    expect(sharedMappings().length).toBe(before);
    expect(used.bytes[5]).toBe(5);
    used.bytes[5] = 6;
    expect([memory.bytes[5], used.byteLength, unused.byteLength]).toEqual([6, MIB, MIB]);
    used.close();
    unused.close();
    expect([used, unused].map(({ bytes, byteLength }) => [bytes.length, byteLength])).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(sharedMappings().length).toBe(before);
  });

  test('two mappings of one segment show the same bytes at once', () => {
    using one = sharedMemory(MIB);
    using other = SharedMemory.fromFd(one.share().release());
    one.bytes[MIB - 1] = 7;
    expect(other.bytes[MIB - 1]).toBe(7);
    other.bytes[0] = 8;
    expect(one.bytes[0]).toBe(8);
  });

  test('counts as external memory while it is mapped', () => {
    const before = process.memoryUsage().external;
    const memory = sharedMemory(64 * MIB);
    expect(process.memoryUsage().external - before).toBeGreaterThan(63 * MIB);
    memory.close();
    expect(process.memoryUsage().external - before).toBeLessThan(MIB);
  });

  test('that is dropped is collected, with one warning that names where it was made', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const before = [openFds().size, sharedMappings().length];
    (() => {
      sharedMemory(MIB).bytes.fill(1);
    })();
    await until('it is closed and unmapped', async () => {
      await collectGarbage();
      return openFds().size === before[0] && sharedMappings().length === before[1];
    });
    await until('the warning', () => warnings.length > 0);
    process.off('warning', note);
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^A shared memory segment made at .*shared-memory\.test\.ts:\d+:\d+ was dropped without close/,
      ),
    ]);
  });

  test('whose buffer is still used stays readable after it was dropped', async () => {
    const before = openFds().size + 1;
    const bytes = (() => sharedMemory(MIB).bytes.fill('y'))();
    await until('its descriptor is closed', async () => {
      await collectGarbage();
      return openFds().size < before;
    });
    expect(bytes.toString('latin1', MIB - 3)).toBe('yyy');
  });

  test.runIf('transfer' in ArrayBuffer.prototype)(
    'whose ArrayBuffer other code has transferred cannot be shared; closing it leaves that code the pages',
    () => {
      const memory = sharedMemory(MIB);
      memory.bytes.fill('z');
      const taken = (memory.buffer as ArrayBuffer & { transfer(): ArrayBuffer }).transfer();
      expect(thrownBy(() => memory.share())).toMatchObject({ code: 'ERR_AIOPIPE_TRANSFERRED' });
      memory.close();
      expect(Buffer.from(taken).toString('latin1', MIB - 3)).toBe('zzz');
    },
  );

  test('of a worker thread is unmapped with it, however it ends', async () => {
    const { code, stdout, stderr } = await runFixture('maps-in-a-worker');
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: ['returns', 'exits', 'throws', 'is terminated', 'is terminated at once']
        .map((how) => `${how}: 0 open, 0 mapped\n`)
        .join(''),
      stderr: '',
    });
  });

  test('a refusal of the system throws SystemError, and leaves nothing', async () => {
    const { code, stdout, stderr } = await runFixture('has-no-room-for-memory');
    expect({ code, stdout: stdout.split('\n'), stderr }).toEqual({
      code: 0,
      stdout: [
        'EMFILE memfd_create',
        'EMFILE fcntl',
        ...(spawnSync('prlimit', ['--version']).status === 0 ? ['ENOMEM mmap'] : []),
        'nothing is left',
        '',
      ],
      stderr: '',
    });
  });
});

describe('fromFd', () => {
  test('refuses what is no shared memory, and leaves it open', () => {
    const directory = mkdtempSync(join(tmpdir(), 'aiopipe-'));
    writeFileSync(join(directory, 'file'), 'some bytes');
    const [rx, tx] = aiopipe();
    const [one, other] = aioduplex();
    const named = `/dev/shm/aiopipe-test-${String(process.pid)}`;
    writeFileSync(named, 'bytes that can be cut');
    const files = [directory, join(directory, 'file'), '/dev/null', '/dev/zero', '/proc/self/maps', named].map((path) =>
      openFd(path, constants.O_RDONLY),
    );
    rmSync(named);
    for (const fd of [rx.fd, tx.fd, one.fd, ...files]) {
      const error = thrownBy(() => SharedMemory.fromFd(fd));
      expect(['ERR_AIOPIPE_WRONG_KIND', 'ERR_AIOPIPE_CAN_SHRINK']).toContain(error.code);
      expect(error.message).toMatch(new RegExp(`^fd ${String(fd)} `));
      expect(openFds().has(fd)).toBe(true);
    }
    for (const end of [rx, tx, one, other]) end.close();
    files.forEach(closeFd);
    rmSync(directory, { recursive: true });
  });

  test.each([-1, 1.5, '3', undefined, NaN])('%s throws TypeError', (fd) => {
    expect(thrownBy(() => SharedMemory.fromFd(fd as number))).toBeInstanceOf(TypeError);
  });

  test('a descriptor that is not open throws EBADF', () => {
    expect(thrownBy(() => SharedMemory.fromFd(12_345))).toMatchObject({ code: 'EBADF' });
  });

  describe.runIf(hasPython)('of another program', () => {
    /** A program in Python that makes memory by `code`, which prints the number of its descriptor. */
    async function made(code: string): Promise<{ python: ChildProcess; open(flags: number): number }> {
      const program = `import os, fcntl, mmap\nA = os.MFD_ALLOW_SEALING\n${code}\ninput()\n`;
      const python = spawn('python3', ['-c', program], { stdio: ['pipe', 'pipe', 'inherit'] });
      const [fd] = (await once(createInterface(python.stdout), 'line')) as [string];
      return { python, open: (flags) => openFd(`/proc/${String(python.pid)}/fd/${fd}`, flags) };
    }

    async function end(python: ChildProcess): Promise<void> {
      python.stdin?.end('\n');
      await once(python, 'close');
    }

    test('takes memory that can be sealed, and seals it against shrinking', async () => {
      const { python, open } = await made(
        'fd = os.memfd_create("m", A); os.write(fd, b"from python"); print(fd, flush=True)',
      );
      using memory = SharedMemory.fromFd(open(constants.O_RDWR));
      expect(memory.bytes.toString()).toBe('from python');
      const cut = spawnSync('python3', ['-c', 'import os; os.ftruncate(3, 1)'], {
        stdio: ['ignore', 'ignore', 'pipe', memory.fd],
      });
      expect(cut.stderr.toString()).toContain('PermissionError');
      await end(python);
    });

    test.each([
      [
        'cannot be sealed',
        'fd = os.memfd_create("m"); os.ftruncate(fd, 100); print(fd, flush=True)',
        constants.O_RDWR,
        'ERR_AIOPIPE_CAN_SHRINK',
      ],
      [
        'is open for reading, and can shrink',
        'fd = os.memfd_create("m", A); os.ftruncate(fd, 100); print(fd, flush=True)',
        constants.O_RDONLY,
        'ERR_AIOPIPE_CAN_SHRINK',
      ],
      ['is empty', 'fd = os.memfd_create("m", A); print(fd, flush=True)', constants.O_RDWR, 'ERR_AIOPIPE_WRONG_KIND'],
    ])('refuses memory that %s', async (_name, code, flags, expected) => {
      const { python, open } = await made(code);
      const fd = open(flags);
      expect(thrownBy(() => SharedMemory.fromFd(fd))).toMatchObject({ code: expected });
      closeFd(fd);
      await end(python);
    });

    test.each([
      ['is open for reading', constants.O_RDONLY, ''],
      ['is sealed against writes', constants.O_RDWR, ' | 8'],
    ])('memory that %s is read-only: what is written here stays here', async (_name, flags, seals) => {
      const { python, open } = await made(
        `fd = os.memfd_create("m", A); os.write(fd, b"read me"); fcntl.fcntl(fd, 1033, 2${seals}); print(fd, flush=True)`,
      );
      using memory = SharedMemory.fromFd(open(flags));
      expect(memory.readOnly).toBe(true);
      memory.bytes.write('written');
      expect(memory.bytes.toString()).toBe('written');
      using again = SharedMemory.fromFd(open(flags));
      expect(again.bytes.toString()).toBe('read me');
      using share = again.share();
      expect(share.readOnly).toBe(true);
      await end(python);
    });
  });
});

test('fromFd takes no number that the binding would cut down to another descriptor', () => {
  using memory = sharedMemory(10);
  expect(() => SharedMemory.fromFd(2 ** 32 + memory.fd)).toThrow(/^fromFd: expected a descriptor/);
});

test('disposal throws nothing if other code has closed the descriptor', () => {
  const memory = sharedMemory(4096);
  closeFd(memory.fd);
  memory[Symbol.dispose]();
  expect(memory.state).toBe('closed');
});

test('bytes have length 0 also if they are asked for the first time after the memory has gone', () => {
  const memory = sharedMemory(4096);
  memory.close();
  expect(memory.bytes).toHaveLength(0);
});
