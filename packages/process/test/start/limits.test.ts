import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Pool, Prefork, startProcess, Supervisor, type ProcessOptions } from '@aiopipe/process';
import { fixture, leakCheck } from '@aiopipe/testing';
import { allocate, describeRights, growHeap, openMany, spin, write } from '../fixtures/uses-its-limits.js';
import { errorOf, scratchFiles, thrownBy } from '../helpers.js';

const checkLeaks = leakCheck();
const files = scratchFiles();
afterAll(async () => {
  files.remove();
  await checkLeaks();
});

const MIB = 1024 * 1024;
const isLinux = process.platform === 'linux';

/** Whether any user can read the modules of a child. */
function isReadableByAll(): boolean {
  for (let path = fixture('uses-its-limits'); path !== '/'; path = dirname(path)) {
    if ((statSync(path).mode & 0o5) !== 0o5 && path !== fixture('uses-its-limits')) return false;
  }
  return true;
}

describe('a child with limits', () => {
  test.runIf(isLinux)(
    'has limits.memory for itself, whatever its Node reserves; more is an error that names it',
    async () => {
      const limits = { memory: 256 * MIB };
      expect(await startProcess(allocate, { args: [64 * MIB], limits }).result).toBe(64 * MIB);
      const error = await errorOf(startProcess(allocate, { args: [512 * MIB], limits }).result);
      expect(error).toMatchObject({
        code: 'ERR_AIOPIPE_CHILD',
        message: expect.stringMatching(/allocat\w+( failed| memory) \(limits\.memory: 268435456 bytes\)$/) as string,
      });
    },
  );

  test.runIf(isLinux)('whose objects need more than limits.memory dies, and the error names the limit', async () => {
    const child = startProcess(growHeap, {
      limits: { memory: 128 * MIB, coreSize: 0 },
      stderr: 'ignore',
      stdout: 'ignore',
    });
    const error = await errorOf(child.result);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_NO_RESULT' });
    expect(error.message).toMatch(
      /ended before its function had returned: by SIG\w+ \(limits\.memory: 134217728 bytes\)$/,
    );
  });

  test.runIf(isLinux)('that has too little memory to boot: the error names the limit', async () => {
    const limits = { memory: 48 * MIB, coreSize: 0 };
    const error = await errorOf(
      startProcess(allocate, { args: [1], limits, stderr: 'ignore', stdout: 'ignore' }).result,
    );
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_START' });
    expect(error.message).toMatch(/ended before its function was called: .* \(limits\.memory: 50331648 bytes\)/);
  });

  test('cannot have so little memory that its Node waits for ever at its start', () => {
    const limits = { memory: 40 * MIB };
    const message =
      'limits.memory: Node.js cannot start with less than 50331648 bytes (48 MiB), and needs about 100 MiB; not 41943040';
    expect(() => startProcess(allocate, { args: [1], limits })).toThrow(new TypeError(message));
    expect(() => new Prefork({ limits })).toThrow(new TypeError(message));
    expect(() => new Pool(allocate, { options: { limits } })).toThrow(new TypeError(`options.${message}`));
  });

  test('ends by SIGXCPU after limits.cpuTime, and the error names the limit', async () => {
    const error = await errorOf(startProcess(spin, { limits: { cpuTime: 1 } }).result);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_NO_RESULT', signalCode: 'SIGXCPU' });
    expect(error.message).toMatch(/by SIGXCPU \(limits\.cpuTime: 1 s\)$/);
  });

  test('gets EMFILE above limits.openFiles, and the error names the limit', async () => {
    const error = await errorOf(startProcess(openMany, { limits: { openFiles: 64 } }).result);
    expect(error.message).toMatch(/EMFILE.* \(limits\.openFiles: 64\)$/);
  });

  test('gets EFBIG above limits.fileSize, and the error names the limit', async () => {
    const file = files.newFile();
    const start = (length: number) => startProcess(write, { args: [file, length], limits: { fileSize: 1000 } });
    await start(1000).result;
    const error = await errorOf(start(1001).result);
    expect(error.message).toMatch(/EFBIG.* \(limits\.fileSize: 1000 bytes\)$/);
  });

  test('has limits.nice and limits.umask', async () => {
    const rights = await startProcess(describeRights, { limits: { nice: 3, umask: 0o027 } }).result;
    expect(rights).toMatchObject({ nice: 3, umask: 0o027 });
  });

  test.runIf(process.getuid?.() === 0 && isReadableByAll())(
    'has limits.uid, limits.gid and limits.groups',
    async () => {
      const limits = { uid: 54321, gid: 54322, groups: [54323] };
      const child = startProcess(describeRights, { limits });
      expect(await child.result).toMatchObject({
        uid: 54321,
        gid: 54322,
        groups: expect.arrayContaining([54323]) as number[],
      });
      expect(await child.join()).toEqual({ exitCode: 0, signalCode: null });
    },
  );

  test('that the system refuses rejects with the name of the option', async () => {
    const child = startProcess(describeRights, { limits: { openFiles: Infinity } });
    const error = await errorOf(child.result);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_START', cause: { code: 'EPERM', syscall: 'setrlimit' } });
    expect(error.message).toContain('limits.openFiles: EPERM');
    await errorOf(child.join());
  });
});

describe('limits of other starts', () => {
  test('a pool limits each worker', async () => {
    await using pool = new Pool(describeRights, { size: 1, options: { limits: { nice: 3, umask: 0o077 } } });
    expect(await pool.run()).toMatchObject({ nice: 3, umask: 0o077 });
  });

  test('a task that ends its worker by a limit rejects with the name of the limit, and others go on', async () => {
    await using pool = new Pool(spin, { size: 1, options: { limits: { cpuTime: 1 } } });
    for (let i = 0; i < 2; i++) expect((await errorOf(pool.run())).message).toContain('limits.cpuTime: 1 s');
  });

  test('a supervisor limits a child by its specification', async () => {
    let rights: unknown;
    const options = { limits: { nice: 3 } };
    const supervisor = new Supervisor([{ id: 'rights', target: describeRights, restart: 'temporary', options }]);
    supervisor.on('started', ({ process: child }) => {
      rights = child?.result;
    });
    await supervisor.start();
    expect(await rights).toMatchObject({ nice: 3 });
    await supervisor.stop();
  });

  test("a prefork's child is taken only by a start with the same limits", async () => {
    await using prefork = new Prefork({ limits: { umask: 0o077, openFiles: 512 } });
    const rights = async (limits: ProcessOptions['limits']) => {
      await prefork.ready();
      return startProcess(describeRights, { prefork, limits }).result;
    };
    expect(await rights({ openFiles: 512, umask: 0o077 })).toMatchObject({ umask: 0o077 });
    expect(prefork.stats).toMatchObject({ warm: 1, cold: 0 });
    expect(await rights(undefined)).toMatchObject({ umask: process.umask() });
    expect(await rights({ openFiles: 512, umask: 0o027 })).toMatchObject({ umask: 0o027 });
    expect(await rights({ openFiles: 512, umask: 0o077, coreSize: Infinity })).toMatchObject({ umask: 0o077 });
    expect(prefork.stats).toMatchObject({ warm: 1, cold: 3 });
    expect(await rights({ openFiles: 512, umask: 0o077, memory: undefined })).toMatchObject({ umask: 0o077 });
    expect(prefork.stats).toMatchObject({ warm: 2, cold: 3 });
  });
});

describe('wrong limits throw a TypeError, and nothing is started:', () => {
  const limits = { memroy: 1 } as never;
  test.each<[string, () => unknown, string]>([
    ['startProcess', () => startProcess(describeRights, { limits }), 'limits.memroy: unknown option'],
    ['Pool', () => new Pool(describeRights, { options: { limits } }), 'options.limits.memroy: unknown option'],
    ['Prefork', () => new Prefork({ limits }), 'limits.memroy: unknown option'],
    [
      'Supervisor',
      () => new Supervisor([{ id: 'a', target: describeRights, options: { limits } }]),
      'child "a".options.limits.memroy: unknown option',
    ],
  ])('%s', (_, start, message) => {
    const error = thrownBy(start);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain(message);
  });
});
