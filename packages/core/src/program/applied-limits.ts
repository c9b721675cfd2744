import { type AiopipeError, SystemError } from '../errors.js';
import { joinCgroup, type JoinedCgroup } from './cgroup.js';
import { type Limits } from './limits.js';

/** Each limit with the system call that applies it, in the order of `enum sys_limit` in `native/system.h`. */
const CALLS = [
  ['cgroup', 'write'],
  ['memory', 'setrlimit'],
  ['cpuTime', 'setrlimit'],
  ['openFiles', 'setrlimit'],
  ['processes', 'setrlimit'],
  ['fileSize', 'setrlimit'],
  ['coreSize', 'setrlimit'],
  ['nice', 'setpriority'],
  ['umask', 'umask'],
  ['groups', 'setgroups'],
  ['gid', 'setgid'],
  ['uid', 'setuid'],
  ['noNewPrivileges', 'prctl'],
] as const;

/** `SYS_STAGE_LIMIT` of `native/system.h`. */
const STAGE_LIMIT = 16;

/** The limits of one child, as the binding takes them. */
export class AppliedLimits {
  /** A value for each limit, NaN if it is not given, and the supplementary groups. */
  readonly numbers: Float64Array;
  readonly #limits: Limits;
  readonly #cgroup: JoinedCgroup | undefined;

  /** Makes and opens the cgroup: throws {@link SystemError} if it cannot. */
  constructor(limits: Limits) {
    this.#limits = limits;
    const { uid, gid, cgroup, noNewPrivileges } = limits;
    // The groups of root would stay with the child. libuv removes them, too.
    const groups = limits.groups ?? (uid === undefined && gid === undefined ? undefined : []);
    this.#cgroup = cgroup === undefined ? undefined : joinCgroup(cgroup);
    const values = {
      ...limits,
      cgroup: this.#cgroup?.fd,
      groups: groups?.length,
      noNewPrivileges: noNewPrivileges === true ? 1 : undefined,
    };
    this.numbers = Float64Array.from([...CALLS.map(([name]) => values[name] ?? NaN), ...(groups ?? [])]);
  }

  /** The child has joined its cgroup, or could not be started. */
  closeCgroup(): void {
    this.#cgroup?.close();
  }

  /** The child has ended, or could not be started. */
  leaveCgroup(): void {
    this.#cgroup?.leave();
  }

  /** Returns the error of a limit that the system refused; undefined if the start failed at another step. */
  refusal(stage: number, errno: number, about: string): AiopipeError | undefined {
    const call = CALLS[stage - STAGE_LIMIT];
    if (call === undefined) return undefined;
    const [name, syscall] = call;
    return new SystemError(errno, syscall, `${about}: limits.${this.#nameGiven(name)}`);
  }

  /** The supplementary groups are changed also if only the user is given. */
  #nameGiven(name: keyof Limits): string {
    if (name !== 'groups' || this.#limits.groups !== undefined) return name;
    return this.#limits.uid === undefined ? 'gid' : 'uid';
  }
}

/** Returns the limits as the binding takes them; undefined if none is given. */
export function applied(limits: Limits | undefined): AppliedLimits | undefined {
  if (limits === undefined || !CALLS.some(([name]) => limits[name] !== undefined)) return undefined;
  return new AppliedLimits(limits);
}
