import { existsSync, readdirSync, readFileSync, rmdirSync, mkdirSync } from 'node:fs';
import { popen } from '@aiopipe/subprocess';
import { isRunning, leakCheck, until } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { errorOf, inDirectory } from '../helpers.js';
import { isLinux, isRoot, MIB, run, shell, STRANGER } from './limited.js';

afterAll(leakCheck());

it('A program is not started if the path of its cgroup is an ordinary directory, and nothing is left there', async () => {
  await inDirectory((path) => {
    for (const cgroup of [path(''), { path: path('') }, { path: path('made') }])
      expect(errorOf(() => popen(['true'], { limits: { cgroup } }))).toMatchObject({ code: 'ENOENT' });
    expect(readdirSync(path(''))).toEqual([]);
  });
});

/** Where cgroups of version 2 can be made; undefined if nowhere. */
function delegatedCgroup(): string | undefined {
  if (!isLinux) return undefined;
  const mounted = readFileSync('/proc/mounts', 'utf8').split('\n');
  const root = mounted.map((line) => line.split(' ')).find((fields) => fields[2] === 'cgroup2')?.[1];
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  if (root === undefined || own === undefined) return undefined;
  const probe = `${root}${own === '/' ? '' : own}/aiopipe-probe-${String(process.pid)}`;
  try {
    mkdirSync(probe);
    rmdirSync(probe);
  } catch {
    return undefined;
  }
  return probe.slice(0, probe.lastIndexOf('/'));
}

const parent = delegatedCgroup();
const controllers =
  parent === undefined ? [] : readFileSync(`${parent}/cgroup.subtree_control`, 'latin1').trim().split(' ');

describe.skipIf(parent === undefined)('A program with a cgroup', () => {
  const path = `${String(parent)}/aiopipe-test-${String(process.pid)}`;
  const itsCgroup = (output: string) => /^0::(.*)$/m.exec(output)?.[1]?.split('/').at(-1);
  const name = path.slice(path.lastIndexOf('/') + 1);

  it('joins it, made for it, and the cgroup is removed at its end', async () => {
    const { output } = await run(['cat', '/proc/self/cgroup'], { cgroup: { path } });
    expect(itsCgroup(output)).toBe(name);
    expect(existsSync(path)).toBe(false);
  });

  it('joins one that is there, which stays', async () => {
    mkdirSync(path);
    try {
      for (const cgroup of [path, { path }]) {
        const { output } = await run(['cat', '/proc/self/cgroup'], { cgroup, ...(isRoot && STRANGER) });
        expect(itsCgroup(output)).toBe(name);
        expect(existsSync(path)).toBe(true);
      }
    } finally {
      rmdirSync(path);
    }
  });

  it('shares it with others, and it is removed after the last one', async () => {
    const one = popen(['cat'], { stdin: 'pipe', stdout: 'ignore', limits: { cgroup: { path } } });
    await run(['true'], { cgroup: { path } });
    expect(existsSync(path)).toBe(true);
    one.stdin.close();
    await one.wait();
    expect(existsSync(path)).toBe(false);
  });

  it('ends with what it has left behind in a cgroup that was made for it', async () => {
    const { output } = await shell('sleep 60 >/dev/null 2>&1 & echo $!', { cgroup: { path } });
    await until('the cgroup is removed', () => !existsSync(path));
    expect(isRunning(Number(output))).toBe(false);
  });

  it('that is missing throws, and names it', () => {
    expect(errorOf(() => popen(['true'], { limits: { cgroup: path } }))).toMatchObject({
      code: 'ENOENT',
      path: `${path}/cgroup.procs`,
      message: expect.stringMatching(/^limits\.cgroup \(".*\/cgroup\.procs"\): ENOENT/) as string,
    });
  });

  it('that cannot be started leaves no cgroup', () => {
    errorOf(() => popen(['/no/such/program'], { limits: { cgroup: { path } } }));
    expect(existsSync(path)).toBe(false);
  });

  it.skipIf(controllers.includes('memory'))('says which controller its parent does not give', () => {
    const error = errorOf(() => popen(['true'], { limits: { cgroup: { path, memoryMax: MIB } } }));
    expect(error.message).toContain('limits.cgroup.memoryMax: "memory" must be in cgroup.subtree_control');
    expect(existsSync(path)).toBe(false);
  });

  it.runIf(controllers.includes('memory'))('is ended by SIGKILL above memoryMax', async () => {
    const cgroup = { path, memoryMax: 32 * MIB };
    const argv = ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=256M', 'count=1'];
    expect(await run(argv, { cgroup })).toMatchObject({ signalCode: 'SIGKILL' });
  });

  it.runIf(controllers.includes('pids'))('starts no more processes than pidsMax', async () => {
    const { output } = await shell('/bin/true; echo started', { cgroup: { path, pidsMax: 1 } });
    expect(output).toMatch(/fork/);
  });

  it.runIf(controllers.includes('cpu'))('gets no more processors than cpuMax', async () => {
    const { output } = await shell(`cat ${path}/cpu.max`, { cgroup: { path, cpuMax: 0.5 } });
    expect(output).toContain('50000 100000');
  });
});
