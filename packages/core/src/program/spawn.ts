import { constants } from 'node:os';
import { join } from 'node:path';
import { checkName } from '../check/text.js';
import { applied } from './applied-limits.js';
import { variablesOf, withContextVariables } from './environment.js';
import { type AiopipeError, SystemError } from '../errors.js';
import { type Exit } from './exit.js';
import { groupIsRunning, signalGroup } from './group.js';
import { missingInterpreter } from './interpreter.js';
import { limitsBehindError } from './limit-reasons.js';
import { type Limits } from './limits.js';
import { checkMayStart, restrictedEnvironment } from './permission.js';
import { native, type NativeChild } from '../fd/native.js';
import { LikeChildProcess } from './like-child-process.js';
import {
  processExit,
  processStart,
  type ObservedProcess,
  type ProcessKind,
  type ProcessStart,
} from './process-events.js';
import { sendSignal, signalName, signalNumber, type SignalName } from './signals.js';
import { checkArgv, checkSurroundings } from './surroundings.js';

export interface SpawnOptions {
  /** A path, or a name that is looked up along the PATH of `env`. */
  readonly file: string;
  /** All of argv, the program's own name first. */
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly cwd?: string | undefined;
  /** The child's number for each of our descriptors that it gets. It gets no others. */
  readonly fds: ReadonlyMap<number, number>;
  /**
   * `inherit`: ours; `own`: it leads a new one; a number: the group to join. `session`: it leads a new session and a group, and the
   * terminal at its descriptor 0 becomes the controlling one.
   */
  readonly group?: 'inherit' | 'own' | 'session' | number | undefined;
  /** The signal that the program gets when the thread that started it ends. Linux only. */
  readonly deathSignal?: NodeJS.Signals | undefined;
  /** The guard's orders if this process, or the thread that started the program, ends first. */
  readonly guard?: Guard | undefined;
  /** Checked by {@link checkLimits}. */
  readonly limits?: Limits | undefined;
  /** The kind and the name that its events have. Default: a program with the name of `file`. */
  readonly kind?: ProcessKind | undefined;
  readonly name?: string | undefined;
}

/**
 * The guard (native/guard.c) sends SIGCONT and SIGKILL to a program, or to the whole group that it leads. SIGCONT lets a
 * stopped process handle its signals.
 */
export interface Guard {
  /** `program`: until it has ended. `chain`: SIGTERM comes first, and it holds until {@link SpawnedProgram.unguard}. */
  readonly kind: 'program' | 'chain';
  /** Milliseconds until SIGKILL; without it there is none. */
  readonly killAfter?: number | undefined;
}

const GUARDS = { program: 1, chain: 2 };
/** As `enum sys_group` of `native/system.h` numbers them. */
const GROUPS = { inherit: -1, own: 0, session: -2 };
const ENOENT = -constants.errno.ENOENT;
const EACCES = -constants.errno.EACCES;
const STAGE_EXEC = 0;
const STAGE_CWD = 1;
const stages = ['execve', 'chdir', 'dup2', 'setpgid', 'vfork', 'pidfd_open', 'fork', 'ioctl'];
const STAGE_GUARD = 6;

/** Starts a program. Throws {@link SystemError} if it cannot be started; no process and no descriptor is left then. */
export function spawn(options: SpawnOptions): SpawnedProgram {
  const { kind = 'program', name = options.file } = options;
  // The start of a child is over when its function is called: the layer that calls it publishes that.
  if (kind === 'child' || !processStart.isObserved) return new SpawnedProgram(options);
  const message: ProcessStart = { kind, name };
  return processStart.call(message, () => {
    const program = new SpawnedProgram(options);
    message.process = program;
    return program;
  });
}

/** A program that was started, and is reaped when it ends. */
export class SpawnedProgram implements ObservedProcess {
  kind: ProcessKind;
  name: string;
  readonly argv: readonly string[];
  readonly cwd: string | undefined;
  readonly pid: number;
  /** Resolves when it has ended; never rejects. */
  readonly exited: Promise<Exit>;
  #exit: Exit | undefined;
  readonly #child: NativeChild;
  /** Whether it leads a process group of its own. */
  readonly leadsGroup: boolean;

  /** @internal Made by {@link spawn}. */
  constructor(options: SpawnOptions) {
    const { file, cwd, group = 'inherit', deathSignal, guard, limits } = options;
    checkName('file', file);
    checkArgv(options.argv);
    // The binding takes no Proxy. And what observers see stays as it was started.
    const argv = [...options.argv];
    checkMayStart(file);
    this.kind = options.kind ?? 'program';
    this.name = options.name ?? file;
    this.argv = argv;
    this.cwd = cwd;
    const given = this.kind === 'program' ? withContextVariables(options.env) : options.env;
    const env = restrictedEnvironment(given, argv);
    checkSurroundings(undefined, cwd);
    // As the system takes it. Our own needs no copy if `process.env` is the system's: in the main thread, and not in Bun.
    const isOfSystem = isMainThread() && process.versions['bun'] === undefined;
    const pairs = env === undefined && !isOfSystem ? process.env : env;
    const environment = pairs === undefined ? undefined : variablesOf(pairs).map(([name, value]) => `${name}=${value}`);
    // An array of pairs: our number, the child's number.
    const fds = Int32Array.from([...options.fds].flatMap(([theirs, ours]) => [ours, theirs]));
    const out = new Int32Array(1);

    let settle!: (exit: Exit) => void;
    this.exited = new Promise((resolve) => {
      settle = resolve;
    });
    const paths = candidates(file, env ?? process.env);
    const limited = applied(limits);
    const shown = LikeChildProcess.isWanted ? new LikeChildProcess({ file, argv, cwd, environment }) : undefined;
    let child: NativeChild | number;
    try {
      child = native().spawn(
        paths,
        argv,
        environment,
        cwd,
        fds,
        typeof group === 'number' ? group : GROUPS[group],
        deathSignal === undefined ? 0 : signalNumber(deathSignal),
        out,
        (code, signal, userCPUTime, systemCPUTime, peakBytes) => {
          this.#exit = {
            exitCode: code < 0 ? null : code,
            signalCode: signal === 0 ? null : signalName(signal),
            resourceUsage: { userCPUTime, systemCPUTime, maxRSS: peakBytes / 1024 },
          };
          limited?.leaveCgroup();
          shown?.ended(this.#exit);
          if (processExit.hasSubscribers) processExit.publish({ process: this, ...this.#exit });
          settle(this.#exit);
        },
        guard === undefined ? 0 : GUARDS[guard.kind],
        guard?.killAfter ?? -1,
        limited?.numbers,
      );
    } catch (error) {
      limited?.leaveCgroup();
      shown?.failed(error as Error);
      throw error;
    } finally {
      limited?.closeCgroup();
    }
    if (typeof child === 'number') {
      limited?.leaveCgroup();
      const stage = out[0] ?? 0;
      const error =
        limited?.refusal(stage, child, `cannot start ${JSON.stringify(file)}`) ??
        startError(child, stage, file, paths, cwd, limits);
      shown?.failed(error);
      throw error;
    }
    this.#child = child;
    this.leadsGroup = group === 'own' || group === 'session';
    this.pid = out[0] as number;
    shown?.started(this.pid);
  }

  /** How it ended; undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** Sends a signal; false if it has ended. Throws TypeError if there is no such signal. */
  kill(signal: SignalName | number = 'SIGTERM'): boolean {
    const number = signalNumber(signal);
    // Once it is reaped, its pid may be another process's.
    return this.#exit === undefined && sendSignal(this.pid, number);
  }

  /**
   * Sends a signal to all of the group that it leads, which may outlive it; to itself alone if it leads none. False if
   * no process got it. Throws TypeError if there is no such signal.
   */
  killGroup(signal: SignalName | number = 'SIGTERM'): boolean {
    if (!this.leadsGroup) return this.kill(signal);
    const number = signalNumber(signal);
    return signalGroup(this.pid, this.#exit !== undefined, number);
  }

  /** Whether a process runs in the group that it leads; it may have ended itself. */
  get groupIsRunning(): boolean {
    return this.leadsGroup && this.killGroup(0) && groupIsRunning(this.pid);
  }

  /** Releases the program and its group from the guard: they live on if this process ends. */
  unguard(): void {
    native().unguard(this.#child);
  }

  /** Changes {@link Guard.killAfter}. */
  killAfter(milliseconds: number): void {
    native().killAfter(this.#child, milliseconds);
  }

  /** Whether it keeps our event loop alive while it runs; it does unless {@link unref} was called. */
  ref(): void {
    native().holdLoop(this.#child, true);
  }

  unref(): void {
    native().holdLoop(this.#child, false);
  }
}

/** The module is loaded when it is needed: that takes two milliseconds, and most child processes start no program. */
function isMainThread(): boolean {
  return process.getBuiltinModule('node:worker_threads').isMainThread;
}

/** Returns the paths that execvp(3) would try. */
function candidates(file: string, env: Readonly<Record<string, string | undefined>>): string[] {
  if (file.includes('/')) return [file];
  const path = env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
  return path.split(':').map((directory) => join(directory === '' ? '.' : directory, file));
}

/** @param limits - of the program: the message names those that may be the reason */
function startError(
  errno: number,
  stage: number,
  file: string,
  paths: readonly string[],
  cwd: string | undefined,
  limits: Limits | undefined,
): AiopipeError {
  const error = startErrorFor(errno, stage, file, paths, cwd, '');
  const why = limitsBehindError(limits, error);
  return why === '' ? error : startErrorFor(errno, stage, file, paths, cwd, why);
}

function startErrorFor(
  errno: number,
  stage: number,
  file: string,
  paths: readonly string[],
  cwd: string | undefined,
  behind: string,
): AiopipeError {
  const syscall = stages[stage] ?? 'spawn';
  if (stage === STAGE_CWD && cwd !== undefined) {
    return new SystemError(errno, syscall, `cannot start ${JSON.stringify(file)} in ${JSON.stringify(cwd)}`, {
      path: cwd,
    });
  }
  const about = `cannot start ${stage === STAGE_GUARD ? 'the process that guards ' : ''}${JSON.stringify(file)}${behind}`;
  if (stage !== STAGE_EXEC) return new SystemError(errno, syscall, about);
  const missing = errno === ENOENT || errno === EACCES ? missingInterpreter(paths, cwd) : undefined;
  if (missing === undefined) return new SystemError(errno, syscall, about, { path: file });
  const { file: found, interpreter } = missing;
  const why = `${about}: ${found} needs ${JSON.stringify(interpreter)}, which does not exist or is not executable`;
  return new SystemError(errno, syscall, why, { path: interpreter });
}
