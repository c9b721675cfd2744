import { closeSync, constants, existsSync, mkdirSync, openSync, rmdirSync, writeFileSync } from 'node:fs';
import { Timer } from '../wait/timer.js';
import { type CgroupOptions } from './limits.js';
import { fileError } from './open-file.js';

/** Microseconds in which the processors of `cpu.max` are counted: the system's default. */
const PERIOD = 100_000;
/** Milliseconds between tries to remove a cgroup whose last processes were killed. */
const LONGEST_PAUSE = 1000;

/** A cgroup for one child. */
export interface JoinedCgroup {
  /** Its file `cgroup.procs`, to be written to. */
  readonly fd: number;
  /** Closes `fd`. */
  close(): void;
  /** The child has ended: removes the cgroup, if it was made here and no other child needs it. */
  leave(): void;
}

/** A cgroup that this thread has made. */
interface Made {
  children: number;
  removal: Timer | undefined;
}

const made = new Map<string, Made>();

/** Makes the cgroup if it is missing, and opens it. Throws SystemError. */
export function joinCgroup(cgroup: string | CgroupOptions): JoinedCgroup {
  const options = typeof cgroup === 'string' ? undefined : cgroup;
  const path = options?.path ?? (cgroup as string);
  if (options !== undefined) make(path);
  const own = made.get(path);
  if (own !== undefined) {
    own.children++;
    own.removal?.cancel();
    own.removal = undefined;
  }
  const leave = () => {
    if (own !== undefined && --own.children === 0) remove(path, own, 1);
  };
  try {
    if (options !== undefined) limit(options);
    // Without O_CREAT: in a directory that is no cgroup, a file would be made, and the child would have no limit.
    const fd = attempt('cgroup', `${path}/cgroup.procs`, (file) => openSync(file, constants.O_WRONLY));
    return {
      fd,
      close: () => {
        closeSync(fd);
      },
      leave,
    };
  } catch (error) {
    leave();
    throw error;
  }
}

function make(path: string): void {
  if (made.has(path) || existsSync(path)) return;
  attempt('cgroup', path, (directory) => {
    mkdirSync(directory);
  });
  made.set(path, { children: 0, removal: undefined });
}

function limit({ path, memoryMax, cpuMax, pidsMax }: CgroupOptions): void {
  const cpu = cpuMax === undefined ? undefined : cpuMax === Infinity ? 'max' : Math.round(cpuMax * PERIOD);
  const settings = [
    ['memoryMax', 'memory', memoryMax],
    ['cpuMax', 'cpu', cpu === undefined ? undefined : `${String(cpu)} ${String(PERIOD)}`],
    ['pidsMax', 'pids', pidsMax],
  ] as const;
  for (const [name, controller, value] of settings) {
    if (value === undefined) continue;
    const file = `${path}/${controller}.max`;
    const hint = existsSync(file) ? '' : `: "${controller}" must be in cgroup.subtree_control of the parent directory`;
    // A flag without O_CREAT: the system makes these files, and refuses others.
    attempt(`cgroup.${name}${hint}`, file, () => {
      writeFileSync(file, value === Infinity ? 'max' : String(value), { flag: 'r+' });
    });
  }
}

function attempt<Result>(option: string, path: string, call: (path: string) => Result): Result {
  try {
    return call(path);
  } catch (cause) {
    throw fileError(cause, 'open', `limits.${option} (${JSON.stringify(path)})`, path);
  }
}

/** The processes that are left in it get SIGKILL, and take a moment to end. */
function remove(path: string, own: Made, pause: number): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY' && pause <= LONGEST_PAUSE) {
      if (pause === 1) killAll(path);
      own.removal = new Timer(() => {
        remove(path, own, 2 * pause);
      }, pause);
      return;
    }
  }
  made.delete(path);
}

function killAll(path: string): void {
  try {
    writeFileSync(`${path}/cgroup.kill`, '1', { flag: 'r+' });
  } catch {
    // Linux before 5.14: the cgroup stays while processes are in it.
  }
}
