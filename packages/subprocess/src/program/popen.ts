import { inspect } from 'node:util';
import { type ReadEnd, type SignalName, type WaitOptions, type WriteEnd } from '@aiopipe/core';
import {
  checkOptions,
  optionNames,
  Pending,
  refuse,
  spawn,
  type Environment,
  type Exit,
  type Guard,
  type ResourceUsage,
  type SpawnedProgram,
} from '@aiopipe/core/internal';
import { checkArgv, checkSurroundings, quoteArgv } from './command.js';
import { DEFAULT_GRACE, endPrograms } from './ending.js';
import { groupIsRunning } from './group.js';
import { ProgramFds } from './fds.js';
import { checkStdio, type Slot, type StdioOptions } from './stdio.js';

/** Options of {@link popen}. */
export interface PopenOptions extends StdioOptions {
  /** The directory that it starts in; ours unless given. */
  readonly cwd?: string | undefined;
  /** All of its environment; ours unless given. Inherited enumerable names count, as in Node's own spawn. The program is looked up along the PATH in it. */
  readonly env?: Environment | undefined;
  /** Its process group: `inherit`, ours (the default); `own`: it leads a new one; or the pid of the leader to join. */
  readonly group?: 'inherit' | 'own' | number | undefined;
}

const POPEN_OPTIONS = optionNames<PopenOptions>({
  stdin: true,
  stdout: true,
  stderr: true,
  fds: true,
  cwd: true,
  env: true,
  group: true,
});

/** What `stdin`, `stdout` or `stderr` of the program is, as far as the options' type tells. */
export type PipedEnd<Options, Name extends string, End> = Name extends keyof Options
  ? Options[Name] extends 'pipe'
    ? End
    : 'pipe' extends Options[Name]
      ? End | undefined
      : undefined
  : undefined;

/**
 * Starts a program: `argv` is the program, by its path or by a name that is looked up along PATH, and its arguments. No
 * shell sees them.
 *
 * The program gets the descriptors that the options name and no others, all of them blocking, and default signal
 * dispositions. On Linux it is sent SIGTERM when the thread that started it is gone.
 *
 * Throws a TypeError for bad arguments, {@link ClosedError} or {@link BusyError} for an end that can't move: then
 * nothing has happened. Throws {@link SystemError} if the program can't be started (ENOENT, EACCES and so on, with
 * `path`): then the ends that were given are closed, as they are after a start.
 */
export function popen<const Options extends PopenOptions = Record<never, never>>(
  argv: readonly string[],
  options?: Options,
): Program<
  PipedEnd<Options, 'stdin', WriteEnd>,
  PipedEnd<Options, 'stdout', ReadEnd>,
  PipedEnd<Options, 'stderr', ReadEnd>
> {
  const slots = checkPopen(argv, options === undefined ? {} : options);
  // The type of each end is what the options' type says that it is.
  return startProgram(argv, slots, options ?? {}, popen) as never;
}

/** @param maker - the public function that the user called */
export function startProgram(
  argv: readonly string[],
  slots: readonly Slot[],
  { cwd, env, group, guard = { kind: 'program' } }: PopenOptions & { readonly guard?: Guard },
  maker: (...args: never[]) => unknown,
): Program {
  const fds = new ProgramFds(slots, quoteArgv(argv), maker);
  let spawned: SpawnedProgram;
  try {
    spawned = spawn({ file: argv[0] as string, argv, cwd, env, fds: fds.map, group, deathSignal: 'SIGTERM', guard });
  } catch (error) {
    fds.closeOurs();
    fds.giveBack();
    throw error;
  } finally {
    fds.closeTheirs();
  }
  fds.giveBackAfter(spawned.exited);
  return new Program(argv, spawned, group === 'own', fds.stdin, fds.stdout, fds.stderr);
}

/** Throws for what can't be started, before anything was touched. */
export function checkPopen(argv: unknown, options: PopenOptions): Slot[] {
  checkArgv(argv);
  checkOptions(options, POPEN_OPTIONS);
  checkSurroundings(options.env, options.cwd);
  const { group = 'inherit' } = options;
  if (group !== 'inherit' && group !== 'own' && !(Number.isInteger(group) && group > 0)) {
    throw new TypeError(`group: expected 'inherit', 'own' or the pid of a group's leader, not ${inspect(group)}`);
  }
  return checkStdio(options);
}

/** A program that was started by {@link popen}. While it runs, it keeps our process alive. */
export class Program<
  Stdin extends WriteEnd | undefined = WriteEnd | undefined,
  Stdout extends ReadEnd | undefined = ReadEnd | undefined,
  Stderr extends ReadEnd | undefined = ReadEnd | undefined,
> implements AsyncDisposable {
  readonly argv: readonly string[];
  readonly pid: number;
  /** Our end of its stdin, not open yet; undefined unless the option was `pipe`. */
  readonly stdin: Stdin;
  /** Our end of its stdout, not open yet; undefined unless the option was `pipe`. */
  readonly stdout: Stdout;
  /** Our end of its stderr, not open yet; undefined unless the option was `pipe`. */
  readonly stderr: Stderr;
  readonly #spawned: SpawnedProgram;
  /** @internal */
  readonly leadsGroup: boolean;

  /** @internal Made by {@link popen}. */
  constructor(
    argv: readonly string[],
    spawned: SpawnedProgram,
    leadsGroup: boolean,
    stdin: Stdin,
    stdout: Stdout,
    stderr: Stderr,
  ) {
    this.argv = [...argv];
    this.pid = spawned.pid;
    this.stdin = stdin;
    this.stdout = stdout;
    this.stderr = stderr;
    this.#spawned = spawned;
    this.leadsGroup = leadsGroup;
  }

  /** How it ended, once it has. An abort or a timeout ends the wait, not the program. */
  wait(options?: WaitOptions): Promise<Exit> {
    const { exit } = this.#spawned;
    if (exit !== undefined) return Promise.resolve(exit);
    const refusal = refuse(options, undefined, () => `${this.toString()} did not end`);
    if (refusal !== undefined) return Promise.reject(refusal);
    if (options === undefined) return this.#spawned.exited;
    const pending = new Pending<Exit>(
      options,
      () => `${this.toString()} did not end`,
      () => undefined,
    );
    void this.#spawned.exited.then((how) => {
      pending.resolve(how);
    });
    return pending.promise;
  }

  /** How it ended; undefined as long as our event loop has not heard that it did. */
  poll(): Exit | undefined {
    return this.#spawned.exit;
  }

  /** Null while it runs, and if a signal ended it. */
  get exitCode(): number | null {
    return this.poll()?.exitCode ?? null;
  }

  /** The signal that ended it, if one did. */
  get signalCode(): SignalName | null {
    return this.poll()?.signalCode ?? null;
  }

  /** What it used, once it has ended: CPU times in microseconds, `maxRSS` in KiB. */
  get resourceUsage(): ResourceUsage | undefined {
    return this.poll()?.resourceUsage;
  }

  /**
   * Sends a signal, SIGTERM unless told otherwise. False if it has ended, or may not be signalled (EPERM). SIGTERM is followed
   * by SIGCONT, so that it reaches a program that is stopped. Throws TypeError if there is no such signal.
   */
  kill(signal: SignalName | number = 'SIGTERM'): boolean {
    return this.#spawned.kill(signal);
  }

  /**
   * Sends a signal to all of the process group that it leads, which may outlive it; to itself alone if it leads none.
   * False if nobody got it. Throws TypeError if there is no such signal.
   */
  killGroup(signal: SignalName | number = 'SIGTERM'): boolean {
    return this.#spawned.killGroup(signal);
  }

  /** Whether anyone runs in the group that it leads. @internal */
  get groupIsRunning(): boolean {
    return this.leadsGroup && this.killGroup(0) && groupIsRunning(this.pid);
  }

  /** From now on it keeps our process alive while it runs, as it does from the start. */
  ref(): this {
    this.#spawned.ref();
    return this;
  }

  /** From now on it doesn't keep our process alive. */
  unref(): this {
    this.#spawned.unref();
    return this;
  }

  /** `grep -i error (pid 123)` */
  toString(): string {
    return `${quoteArgv(this.argv)} (pid ${String(this.pid)})`;
  }

  /**
   * Closes our ends of its pipes and ends it, with the process group that it leads: SIGTERM, after two seconds SIGKILL;
   * resolves when it has ended.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.closeEnds();
    if (this.poll() === undefined) await endPrograms([this], DEFAULT_GRACE);
  }

  /** If this process ends, what is left of its group lives on from now on. @internal */
  unguard(): void {
    this.#spawned.unguard();
  }

  /** @internal */
  closeEnds(): void {
    for (const end of [this.stdin, this.stdout, this.stderr]) end?.[Symbol.dispose]();
  }
}
