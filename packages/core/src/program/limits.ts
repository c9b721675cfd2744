import { checkCount } from '../check/count.js';
import { checkFlag } from '../check/flag.js';
import { checkOptions, optionNames } from '../check/options.js';
import { checkText } from '../check/text.js';
import { show } from '../check/show.js';

/**
 * What a child may do. The system applies it before the first byte of the child's own code. What is left out is as in this process.
 * The limits hold for each process alone, and what the child starts inherits them, unless a line says otherwise.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using program = popen(['sh', '-c', 'ulimit -n; umask'], { limits: { openFiles: 64, umask: 0o077 } });
 * await program.wait();
 * ```
 * ```text
 * 64
 * 0077
 * ```
 */
export interface Limits {
  /**
   * Bytes that the child may allocate (RLIMIT_DATA): heaps, and the stacks of threads. Shared memory, and files that it reads, do not
   * count. An allocation above it fails; most programs end then, and Node ends by SIGABRT, SIGTRAP or SIGSEGV, unless it was a Buffer's.
   * Linux only.
   */
  readonly memory?: number | undefined;
  /** Whole seconds of processor time. The child gets SIGXCPU after them, and SIGKILL a second later. */
  readonly cpuTime?: number | undefined;
  /** The highest number of open descriptors. */
  readonly openFiles?: number | undefined;
  /**
   * How many processes and threads the child's user may have when the child starts another one. All of the user's count, and the
   * system never limits root by it.
   */
  readonly processes?: number | undefined;
  /** Bytes to which the child may let a file grow. A longer write ends it by SIGXFSZ; Node ignores that, and gets EFBIG. */
  readonly fileSize?: number | undefined;
  /** Bytes of the file that a crash leaves behind; 0: none. */
  readonly coreSize?: number | undefined;
  /** The priority: from -20, the first, to 19, the last. Only a privileged process may lower the number. */
  readonly nice?: number | undefined;
  /** The permissions that files made by the child do not get: from 0 to 0o777. */
  readonly umask?: number | undefined;
  /** The user's number. Only for root. Without `groups`, the child has no supplementary groups then. */
  readonly uid?: number | undefined;
  /** The group's number. Only for root. With `uid` alone, the child stays in our group. */
  readonly gid?: number | undefined;
  /** The numbers of the supplementary groups. Only for root. */
  readonly groups?: readonly number[] | undefined;
  /** The child cannot gain rights, by a setuid program such as `sudo`, say. Linux only. */
  readonly noNewPrivileges?: boolean | undefined;
  /** The cgroup that the child joins: the path of one that is there, or one to make. Linux only. */
  readonly cgroup?: string | CgroupOptions | undefined;
}

/**
 * A cgroup (version 2) of a child. Its limits hold for all processes in it together.
 *
 * @example
 * <!-- types only: it needs a delegated cgroup -->
 *
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * const cgroup = { path: '/sys/fs/cgroup/app/render', memoryMax: 512 * 1024 * 1024, cpuMax: 0.5, pidsMax: 100 };
 * await using program = popen(['render', 'scene.blend'], { limits: { cgroup } });
 * console.log(await program.wait());
 * ```
 */
export interface CgroupOptions {
  /**
   * Its directory. If it is missing, it is made; then it is removed after the last child of this thread in it has ended, and processes
   * that are left in it are killed.
   */
  readonly path: string;
  /** Bytes of all memory (`memory.max`). If it is used up, the system ends a process of the cgroup by SIGKILL. */
  readonly memoryMax?: number | undefined;
  /** How many processors (`cpu.max`): 0.5 is half of one. */
  readonly cpuMax?: number | undefined;
  /** How many processes and threads (`pids.max`). */
  readonly pidsMax?: number | undefined;
}

const LIMITS = optionNames<Limits>({
  memory: true,
  cpuTime: true,
  openFiles: true,
  processes: true,
  fileSize: true,
  coreSize: true,
  nice: true,
  umask: true,
  uid: true,
  gid: true,
  groups: true,
  noNewPrivileges: true,
  cgroup: true,
});

const CGROUP = optionNames<CgroupOptions>({ path: true, memoryMax: true, cpuMax: true, pidsMax: true });

/** The highest id of a user or group: the next one means "none" to the system. */
const HIGHEST_ID = 2 ** 32 - 2;

/** Throws a TypeError for limits that no child can have. The system may still refuse them. */
export function checkLimits(limits: Limits | undefined): void {
  if (limits === undefined) return;
  checkOptions(limits, LIMITS, 'limits');
  const { memory, cpuTime, openFiles, processes, fileSize, coreSize, nice, umask, uid, gid, groups, cgroup } = limits;
  checkCount('limits.memory', memory, { least: 1, of: 'bytes' });
  checkCount('limits.cpuTime', cpuTime, { least: 1, of: 'seconds' });
  checkCount('limits.openFiles', openFiles, { of: 'descriptors' });
  checkCount('limits.processes', processes, { of: 'processes' });
  checkCount('limits.fileSize', fileSize, { of: 'bytes' });
  checkCount('limits.coreSize', coreSize, { of: 'bytes' });
  checkCount('limits.nice', nice, { least: -20, most: 19 });
  checkCount('limits.umask', umask, { most: 0o777 });
  checkCount('limits.uid', uid, { most: HIGHEST_ID });
  checkCount('limits.gid', gid, { most: HIGHEST_ID });
  checkFlag('limits.noNewPrivileges', limits.noNewPrivileges);
  if (groups !== undefined) checkGroups(groups);
  if (cgroup !== undefined) checkCgroup(cgroup);
}

function checkGroups(groups: unknown): void {
  if (!Array.isArray(groups)) throw new TypeError(`limits.groups: expected an array of numbers, not ${show(groups)}`);
  for (let i = 0; i < groups.length; i++) {
    const group: unknown = groups[i];
    const name = `limits.groups[${String(i)}]`;
    if (group === undefined) throw new TypeError(`${name}: expected the number of a group, not undefined`);
    checkCount(name, group, { most: HIGHEST_ID });
  }
}

function checkCgroup(cgroup: unknown): void {
  if (typeof cgroup === 'string') {
    checkPath('limits.cgroup', cgroup);
    return;
  }
  checkOptions<CgroupOptions>(cgroup, CGROUP, 'limits.cgroup');
  const { path, memoryMax, cpuMax, pidsMax } = cgroup as CgroupOptions;
  checkPath('limits.cgroup.path', path);
  checkCount('limits.cgroup.memoryMax', memoryMax, { of: 'bytes' });
  checkCount('limits.cgroup.pidsMax', pidsMax, { least: 1, of: 'processes' });
  if (cpuMax !== undefined && !(typeof cpuMax === 'number' && cpuMax >= 0.01)) {
    throw new TypeError(`limits.cgroup.cpuMax: expected a number of processors, 0.01 or more, not ${show(cpuMax)}`);
  }
}

function checkPath(name: string, path: unknown): void {
  checkText(name, path);
  if (!path.startsWith('/')) {
    throw new TypeError(`${name}: expected a path from the root, such as '/sys/fs/cgroup/app', not ${show(path)}`);
  }
}

/** Returns a string that is equal for equal limits. */
export function limitsKey(limits: Limits | undefined): string {
  const given = Object.keys(limits ?? {}).filter((name) => limits?.[name as keyof Limits] !== undefined);
  const pairs = given.sort().map((name): [string, unknown] => [name, limits?.[name as keyof Limits]]);
  // JSON has no Infinity.
  return JSON.stringify(pairs, (_, value: unknown) => (value === Infinity ? 'Infinity' : value));
}
