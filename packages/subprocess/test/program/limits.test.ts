import { chmodSync, copyFileSync, readFileSync, mkdirSync, statSync } from 'node:fs';
import { aiopipe, type Limits } from '@aiopipe/core';
import { pipeline, type PipelineError, popen } from '@aiopipe/subprocess';
import { fixtureArgv, isRunning, leakCheck, until } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { errorOf, inDirectory, whatIsThere } from '../helpers.js';
import { isLinux, isRoot, MIB, run, shell, STRANGER } from './limited.js';

afterAll(leakCheck());

describe('A program with limits', () => {
  it.runIf(isLinux)('cannot allocate more than limits.memory', async () => {
    const argv = ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=128M', 'count=1'];
    expect(await run(argv, { memory: 512 * MIB })).toMatchObject({ exitCode: 0 });
    const limited = await run(argv, { memory: 64 * MIB });
    expect(limited).toMatchObject({ exitCode: 1, output: expect.stringContaining('memory exhausted') as string });
  });

  it.runIf(isLinux)('that is Node gets an error for a Buffer above limits.memory, on every version', async () => {
    const script =
      'try { Buffer.alloc(2 ** 30, 1); console.log("allocated") } catch (error) { console.log(error.message) }';
    // Node 24 and later map 512 MiB for compiled code.
    const limited = await run([process.execPath, '-e', script], { memory: 1024 * MIB });
    expect(limited).toMatchObject({
      exitCode: 0,
      output: expect.stringMatching(/allocation failed|Failed to allocate/) as string,
    });
  });

  it('gets SIGXCPU after limits.cpuTime', async () => {
    expect(await shell('while :; do :; done', { cpuTime: 1 })).toMatchObject({ signalCode: 'SIGXCPU' });
  });

  it('that ignores SIGXCPU gets SIGKILL a second later', async () => {
    const limited = await shell('trap "" XCPU; while :; do :; done', { cpuTime: 1 });
    expect(limited).toMatchObject({ signalCode: 'SIGKILL' });
  });

  it('opens no more than limits.openFiles', async () => {
    expect(await run(['cat', '/dev/null'], { openFiles: 8 })).toMatchObject({ exitCode: 0, output: '' });
    // The libraries of the program itself cannot be opened.
    const limited = await run(['cat', '/dev/null'], { openFiles: 3 });
    expect(limited.exitCode).not.toBe(0);
  });

  it.runIf(isLinux)('keeps descriptors above limits.openFiles that it was given', async () => {
    const [rx, tx] = aiopipe();
    const { output } = await run(['ls', '/proc/self/fd'], { openFiles: 5 }, { fds: { 9: tx } });
    expect(output.split('\n')).toContain('9');
    rx.close();
  });

  it('starts no more processes than limits.processes', async () => {
    const user = isRoot ? STRANGER : {};
    const limited = await shell('/bin/true; echo started', { ...user, processes: 1 });
    expect(limited.output).toMatch(/fork/);
    expect(limited.output).not.toContain('started');
  });

  it('gets SIGXFSZ if it writes more than limits.fileSize', async () => {
    await inDirectory(async (path) => {
      const file = path('out');
      const argv = ['dd', 'if=/dev/zero', `of=${file}`, 'bs=1k', 'count=100'];
      expect(await run(argv, { fileSize: 10_240 })).toMatchObject({ signalCode: 'SIGXFSZ' });
      expect(statSync(file).size).toBe(10_240);
    });
  });

  it('that is Node gets EFBIG', async () => {
    await inDirectory(async (path) => {
      const script = `try { fs.writeFileSync(${JSON.stringify(path('out'))}, 'x'.repeat(100)) } catch (error) { console.log(error.code) }`;
      // The first write is short, up to the limit.
      expect((await run([process.execPath, '-e', script], { fileSize: 10 })).output).toBe('EFBIG\n');
    });
  });

  const pattern = isLinux ? readFileSync('/proc/sys/kernel/core_pattern', 'latin1').trim() : '/';
  it.runIf(/^[^|/]+$/.test(pattern))('leaves a core file only if limits.coreSize lets it', async () => {
    await inDirectory(async (path) => {
      mkdirSync(path('none'));
      mkdirSync(path('some'));
      await shell('kill -SEGV $$', { coreSize: 0 }, { cwd: path('none') });
      const { output } = await shell('ulimit -Hc', {});
      if (output !== '0\n') await shell('kill -SEGV $$', { coreSize: 64 * MIB }, { cwd: path('some') });
      expect(await shell('ls', undefined, { cwd: path('none') })).toMatchObject({ output: '' });
      if (output !== '0\n') expect((await shell('ls', undefined, { cwd: path('some') })).output).toContain('core');
    });
  });

  it('has limits.nice', async () => {
    expect((await run(['nice'], { nice: 3 })).output).toBe('3\n');
  });

  it('makes files with limits.umask', async () => {
    await inDirectory(async (path) => {
      await run(['touch', path('private')], { umask: 0o077 });
      await run(['touch', path('shared')], { umask: 0o022 });
      const modes = [path('private'), path('shared')].map((file) => statSync(file).mode & 0o777);
      expect(modes).toEqual([0o600, 0o644]);
    });
  });

  it.runIf(isLinux)('gains nothing by a setuid program, with limits.noNewPrivileges', async () => {
    const { output } = await run(['grep', 'NoNewPrivs', '/proc/self/status'], { noNewPrivileges: true });
    expect(output).toMatch(/NoNewPrivs:\s+1/);
    expect((await run(['grep', 'NoNewPrivs', '/proc/self/status'], { noNewPrivileges: false })).output).toMatch(
      /\s0$/m,
    );
    if (!isRoot) return;
    await inDirectory(async (path) => {
      copyFileSync('/usr/bin/id', path('id'));
      chmodSync(path('id'), 0o4755);
      chmodSync(path('.'), 0o755);
      expect((await run([path('id'), '-u'], STRANGER)).output).toBe('0\n');
      expect((await run([path('id'), '-u'], { ...STRANGER, noNewPrivileges: true })).output).toBe('54321\n');
    });
  });

  it('and all of them at once, has all of them', async () => {
    const limits: Limits = {
      ...(isLinux && { memory: 256 * MIB, noNewPrivileges: true }),
      cpuTime: 30,
      openFiles: 20,
      processes: 4000,
      fileSize: 4096,
      coreSize: 0,
      nice: 3,
      umask: 0o077,
    };
    const { output } = await shell('ulimit -t; ulimit -n; ulimit -f; ulimit -c; umask; nice', limits);
    expect(output.split('\n')).toEqual(['30', '20', '8', '0', '0077', '3', '']);
  });

  it('may start what it may: limits that are empty change nothing', async () => {
    const script = 'ulimit -a; umask; nice; id';
    expect(await shell(script, {})).toMatchObject({ output: (await shell(script, undefined)).output });
  });

  it('passes them on to what it starts', async () => {
    expect((await shell('sh -c "ulimit -n"', { openFiles: 17 })).output).toBe('17\n');
  });
});

describe.runIf(isRoot)('A program of another user', () => {
  it('has limits.uid, limits.gid and limits.groups, and no other rights', async () => {
    const script = 'id -u; id -ru; id -g; id -rg; id -G; grep Cap[PE] /proc/self/status';
    const { output } = await shell(script, { ...STRANGER, groups: [4, 5] });
    const ids = ['54321', '54321', '54321', '54321', '54321 4 5'];
    const none = isLinux ? ['CapPrm:\t0000000000000000', 'CapEff:\t0000000000000000'] : [];
    expect(output.split('\n').slice(0, -1)).toEqual([...ids, ...none]);
  });

  it('has no supplementary groups of ours', async () => {
    const { output } = await run(['sh', '-c', 'id -G'], { uid: 54321 });
    expect(output).toBe(`${String(process.getgid?.())}\n`);
    expect((await run(['id', '-G'], { gid: 54321 })).output).toBe('54321\n');
  });

  it('cannot read what only we may read', async () => {
    await inDirectory(async (path) => {
      expect((await run(['ls', path('.')], STRANGER)).output).toMatch(/Permission denied/);
    });
  });

  it('gets the descriptors that it was given, and nothing else', async () => {
    const program = popen(['ls', '/proc/self/fd'], { stdin: 'ignore', stdout: 'pipe', limits: STRANGER });
    await using reader = program.stdout.open();
    // One more is the listing itself.
    expect(String(await reader.read())).toBe('0\n1\n2\n3\n');
    await program.wait();
  });

  it('that cannot be started throws as any other, and leaves nothing', async () => {
    const there = whatIsThere();
    const start = (argv: readonly string[], cwd?: string) =>
      errorOf(() => popen(argv, { stdin: 'pipe', stdout: 'pipe', cwd, limits: STRANGER }));
    expect(start(['/no/such/program'])).toMatchObject({ code: 'ENOENT', path: '/no/such/program' });
    expect(start(['true'], '/no/such/directory')).toMatchObject({ code: 'ENOENT', path: '/no/such/directory' });
    await until('nothing is left', () => there.fds().length + there.children().length === 0);
  });

  it('ends when we stop it', async () => {
    const program = popen(['sleep', '60'], { limits: STRANGER });
    expect(await program.stop()).toMatchObject({ signalCode: 'SIGTERM' });
  });

  it.runIf(isLinux)('ends with the process that started it', async () => {
    const { output } = await run(fixtureArgv('starts-a-stranger'), undefined);
    expect(Number(output)).toBeGreaterThan(0);
    await until('the program has ended', () => !isRunning(Number(output)));
  });
});

it('A limit beyond all that the system counts is none', async () => {
  const { stdout } = await pipeline({ argv: ['sh', '-c', 'ulimit -f'], limits: { fileSize: 1e300 } });
  expect(stdout).toBe('unlimited\n');
});

describe('A limit that the system refuses', () => {
  it('throws its errno and the name of the option, and leaves nothing', async () => {
    const there = whatIsThere();
    // No process may have more than the system's own limit (fs.nr_open), or what it was given.
    const error = errorOf(() => popen(['true'], { stdin: 'pipe', limits: { openFiles: Infinity } }));
    expect(error).toMatchObject({
      name: 'SystemError',
      code: 'EPERM',
      syscall: 'setrlimit',
      message: 'cannot start "true": limits.openFiles: EPERM: operation not permitted, setrlimit',
    });
    await until('nothing is left', () => there.fds().length + there.children().length === 0);
  });

  it('is named also for each change of the user by a process without rights', async () => {
    const dropped = ['setpriv', '--bounding-set=-setuid,-setgid', '--inh-caps=-setuid,-setgid'];
    const { output } = await run([...(isRoot ? dropped : []), ...fixtureArgv('changes-its-user')], undefined);
    expect(output.split('\n').slice(0, -1)).toEqual([
      'cannot start "true": limits.uid: EPERM: operation not permitted, setgroups',
      'cannot start "true": limits.gid: EPERM: operation not permitted, setgroups',
      'cannot start "true": limits.groups: EPERM: operation not permitted, setgroups',
      'cannot start "true": limits.uid: EPERM: operation not permitted, setgroups',
    ]);
  });
});

describe('A stage of a pipeline', () => {
  it('has its own limits, and the error of the chain names the one that ended it', async () => {
    await inDirectory(async (path) => {
      const stage = { argv: ['tee', path('out')], limits: { fileSize: 1024 } };
      const error = (await pipeline(['head', '-c', '5000', '/dev/zero'], stage)
        .run()
        .catch((reason: unknown) => reason)) as PipelineError;
      expect(error.message).toContain('tee: ended by SIGXFSZ (limits.fileSize: 1024 bytes)');
      expect(error.stages.map(({ limits }) => limits)).toEqual([undefined, { fileSize: 1024 }]);
    });
  });

  it('has the same checks', () => {
    const stage = { argv: ['true'], limits: { memroy: 1 } as never };
    expect(() => pipeline(['true'], stage)).toThrow(/^stage 2: limits\.memroy: unknown option; did you mean memory\?$/);
  });
});

describe('Wrong limits throw a TypeError:', () => {
  it.each<[unknown, RegExp]>([
    [{ memroy: 1 }, /^limits\.memroy: unknown option; did you mean memory\?$/],
    [null, /^limits: expected an object/],
    [5, /^limits: expected an object/],
    [{ memory: '1g' }, /^limits\.memory: expected a whole number of bytes, 1 or more, not '1g'$/],
    [{ memory: 1.5 }, /^limits\.memory: .* not 1\.5$/],
    [{ cpuTime: 0 }, /^limits\.cpuTime: expected a whole number of seconds, 1 or more, not 0$/],
    [{ openFiles: -1 }, /^limits\.openFiles: /],
    [{ nice: 20 }, /^limits\.nice: expected a whole number, from -20 to 19, not 20$/],
    [{ umask: 0o1000 }, /^limits\.umask: /],
    [{ uid: 'root' }, /^limits\.uid: expected a whole number/],
    [{ uid: 2 ** 32 - 1 }, /^limits\.uid: /],
    [{ groups: 5 }, /^limits\.groups: expected an array of numbers, not 5$/],
    // oxlint-disable-next-line no-sparse-arrays -- a hole is what is tested
    [{ groups: [1, , 2] }, /^limits\.groups\[1\]: /],
    [{ noNewPrivileges: 1 }, /^limits\.noNewPrivileges: expected true or false, not 1$/],
    [{ cgroup: 'app' }, /^limits\.cgroup: expected a path from the root/],
    [{ cgroup: {} }, /^limits\.cgroup\.path: expected a string, not undefined$/],
    [
      { cgroup: { path: '/a', memory_max: 1 } },
      /^limits\.cgroup\.memory_max: unknown option; did you mean memoryMax\?$/,
    ],
    [{ cgroup: { path: '/a', cpuMax: 0 } }, /^limits\.cgroup\.cpuMax: expected a number of processors/],
  ])('%j', (limits, message) => {
    const error = errorOf(() => popen(['true'], { limits: limits as Limits }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(message);
  });
});
