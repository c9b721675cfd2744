import {
  type DuplexEnd,
  type Exit,
  type ReadEnd,
  type ResourceUsage,
  type SignalName,
  type StopOptions,
  type TerminalSize,
  type WaitOptions,
  type WriteEnd,
} from '@aiopipe/core';
import {
  DEFAULT_GRACE,
  Pending,
  refuse,
  show,
  stop,
  stopPrograms,
  type SpawnedProgram,
  type Terminal,
} from '@aiopipe/core/internal';
import { checkSize } from '../terminal/options.js';
import { quoteArgv } from './quote.js';

const PROGRAM = Symbol.for('@aiopipe/subprocess.program');

/** Throws a TypeError unless `program` is one that this copy of the package has started. */
export function checkProgram(name: string, program: unknown): asserts program is Program {
  if (program instanceof Program) return;
  const isOfAnotherCopy = typeof program === 'object' && program !== null && PROGRAM in program;
  throw new TypeError(
    isOfAnotherCopy
      ? `${name}: it was started by another copy of @aiopipe/subprocess; start it with popen() of this copy`
      : `${name}: expected a program that popen() returned, not ${show(program)}`,
  );
}

/** Our ends of a program's pipes, and its terminal. */
interface ProgramFds {
  readonly stdin: WriteEnd | undefined;
  readonly stdout: ReadEnd | undefined;
  readonly stderr: ReadEnd | undefined;
  readonly terminal: Terminal | undefined;
}

/**
 * A program that was started by {@link popen}. While it runs, it keeps our process alive.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using program = popen(['sleep', '60']);
 * console.log(program.pid > 0, program.poll());
 * console.log((await program.stop({ grace: 1000 })).signalCode);
 * ```
 * ```text
 * true undefined
 * SIGTERM
 * ```
 */
export class Program<
  Stdin extends WriteEnd | undefined = WriteEnd | undefined,
  Stdout extends ReadEnd | undefined = ReadEnd | undefined,
  Stderr extends ReadEnd | undefined = ReadEnd | undefined,
  OnTerminal extends DuplexEnd | undefined = DuplexEnd | undefined,
> implements AsyncDisposable {
  /** @internal Other copies of the package know it by this, and cannot use it. */
  readonly [PROGRAM] = true;
  readonly argv: readonly string[];
  readonly pid: number;
  /** Our end of its stdin, not open yet; undefined unless the option was `pipe`. */
  readonly stdin: Stdin;
  /** Our end of its stdout, not open yet; undefined unless the option was `pipe`. */
  readonly stdout: Stdout;
  /** Our end of its stderr, not open yet; undefined unless the option was `pipe`. */
  readonly stderr: Stderr;
  /**
   * Our end of its terminal, not open yet; undefined without that option. It reads what the program shows, and writes what is typed.
   * The stream ends when no program has the terminal open any more. Closing the end hangs the program up (SIGHUP).
   */
  readonly terminal: OnTerminal;
  readonly #terminal: Terminal | undefined;
  readonly #spawned: SpawnedProgram;
  /** The waits with a limit, once there was one. */
  #waits: Set<Pending<Exit>> | undefined;

  private constructor(argv: readonly string[], spawned: SpawnedProgram, fds: ProgramFds) {
    this.argv = [...argv];
    this.pid = spawned.pid;
    // popen()'s options tell the types.
    this.stdin = fds.stdin as Stdin;
    this.stdout = fds.stdout as Stdout;
    this.stderr = fds.stderr as Stderr;
    this.terminal = fds.terminal?.end as OnTerminal;
    this.#terminal = fds.terminal;
    this.#spawned = spawned;
  }

  /** @internal */
  static make(argv: readonly string[], spawned: SpawnedProgram, fds: ProgramFds): Program {
    return new Program(argv, spawned, fds);
  }

  /**
   * Waits for its end; resolves with how it ended. An abort or a timeout ends the wait, not the program.
   *
   * Read its stdout and stderr first, or meanwhile, if they are `pipe`: a program that writes more than the pipe holds
   * (128 KiB of stdout, 64 KiB of stderr) waits for a reader, and does not end. `communicate()` of {@link AsyncPipe} reads
   * both.
   */
  wait(options?: WaitOptions): Promise<Exit> {
    const { exit } = this.#spawned;
    const refusal = refuse(options, undefined, this.#didNotEnd);
    if (refusal instanceof TypeError) return Promise.reject(refusal);
    if (exit !== undefined) return Promise.resolve(exit);
    if (refusal !== undefined) return Promise.reject(refusal);
    if (options === undefined) return this.#spawned.exited;
    const waits = (this.#waits ??= this.#makeWaits());
    const pending = new Pending<Exit>(options, this.#didNotEnd, () => {
      waits.delete(pending);
    });
    waits.add(pending);
    return pending.promise;
  }

  /** The promise of the exit would keep a reaction of each wait, also after its timeout. */
  #makeWaits(): Set<Pending<Exit>> {
    const waits = new Set<Pending<Exit>>();
    void this.#spawned.exited.then((how) => {
      for (const pending of waits) pending.resolve(how);
    });
    return waits;
  }

  readonly #didNotEnd = (): string => `${this.toString()} did not end`;

  /** How the program ended; undefined until the event loop knows its end. */
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

  /** The resources that the program used, once it has ended: CPU times in microseconds, `maxRSS` in KiB. */
  get resourceUsage(): ResourceUsage | undefined {
    return this.poll()?.resourceUsage;
  }

  /**
   * Sends a signal, SIGTERM by default. Returns false if it has ended, or may not be signalled (EPERM). SIGTERM is followed
   * by SIGCONT, so that it reaches a program that is stopped. Throws TypeError if there is no such signal.
   */
  kill(signal: SignalName | number = 'SIGTERM'): boolean {
    return this.#spawned.kill(signal);
  }

  /**
   * Sends a signal to all of the process group that it leads, which may outlive it; to itself alone if it leads none.
   * Returns false if no process got it. Throws TypeError if there is no such signal.
   */
  killGroup(signal: SignalName | number = 'SIGTERM'): boolean {
    return this.#spawned.killGroup(signal);
  }

  /**
   * Ends it, with the process group that it leads: sends SIGTERM, and SIGKILL after the grace period (2000 ms by default).
   * Resolves with how it ended, at once if it has. Our ends of its pipes stay as they are.
   */
  stop(options?: StopOptions): Promise<Exit> {
    const running = this.poll() === undefined ? [this.#spawned] : [];
    return stop(running, options, (wait) => this.wait(wait));
  }

  /**
   * Changes the size of its terminal. If it differs, the programs in the terminal's foreground get SIGWINCH. Throws a TypeError for a
   * wrong size (columns and rows: from 1 to 65535) and for a program without a terminal; ClosedError or MovedError if
   * {@link terminal} is not here any more.
   */
  resize(size: TerminalSize): void {
    checkSize(size);
    if (this.#terminal === undefined) {
      throw new TypeError(`${this.toString()} has no terminal: start it with { terminal: { columns, rows } }`);
    }
    this.#terminal.resize(size);
  }

  /** As {@link kill}, with SIGTERM. */
  terminate(): boolean {
    return this.kill('SIGTERM');
  }

  /** From now on it keeps our process alive while it runs, as it does from the start. */
  ref(): this {
    this.#spawned.ref();
    return this;
  }

  /** From now on it does not keep our process alive. */
  unref(): this {
    this.#spawned.unref();
    return this;
  }

  /** `grep -i error (pid 123)` */
  toString(): string {
    return `${quoteArgv(this.argv)} (pid ${String(this.pid)})`;
  }

  /**
   * Closes our ends of its pipes and of its terminal, and ends it, with the process group that it leads: SIGTERM, after two seconds SIGKILL;
   * resolves when it has ended.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.closeEnds();
    if (this.poll() === undefined) await stopPrograms([this.#spawned], DEFAULT_GRACE);
  }

  /** @internal */
  get spawned(): SpawnedProgram {
    return this.#spawned;
  }

  /** @internal */
  closeEnds(): void {
    for (const end of [this.stdin, this.stdout, this.stderr, this.terminal]) end?.[Symbol.dispose]();
  }
}
