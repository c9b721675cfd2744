import {
  type DuplexEnd,
  type Environment,
  type ExtraFd,
  type Limits,
  type PipedEnd,
  type ReadEnd,
  type StderrOption,
  type StdinOption,
  type StdoutOption,
  type WriteEnd,
} from '@aiopipe/core';
import {
  callSite,
  checkArgv,
  checkExtraFds,
  checkLimits,
  checkMayStart,
  checkOptions,
  checkStdio,
  checkSurroundings,
  optionNames,
  show,
  spawn,
  StdioFds,
  type Guard,
  type Slot,
  instead,
  type Receiver,
  withStackLimit,
} from '@aiopipe/core/internal';
import { FOREIGN_OPTIONS } from './foreign-options.js';
import { checkTerminal, terminalEnvironment, type TerminalOptions } from '../terminal/options.js';
import { Program } from './program.js';
import { quoteArgv } from './quote.js';

/**
 * The connections of a program.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using program = popen(['cat'], { stdin: { file: '/dev/null' }, stdout: 'pipe', stderr: 'ignore' });
 * await using reader = program.stdout.open();
 * console.log((await reader.read()).length);
 * ```
 * ```text
 * 0
 * ```
 */
export interface StdioOptions {
  /** `inherit` by default. */
  readonly stdin?: StdinOption | undefined;
  /** `inherit` by default. */
  readonly stdout?: StdoutOption | undefined;
  /** `inherit` by default. */
  readonly stderr?: StderrOption | undefined;
  /** More descriptors by the program's own numbers, 3 and up: `{ 3: end }`. */
  readonly fds?: Readonly<Record<number, ExtraFd>> | undefined;
}

/**
 * Options of {@link popen}.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using program = popen(['sh', '-c', 'echo $NAME in $PWD'], {
 *   cwd: '/',
 *   env: { ...process.env, NAME: 'ada' },
 *   stdin: 'ignore',
 *   group: 'own', // so that `killGroup()` ends what it starts, too
 * });
 * await program.wait();
 * ```
 * ```text
 * ada in /
 * ```
 */
export interface PopenOptions extends StdioOptions {
  /** The directory that it starts in; ours by default. */
  readonly cwd?: string | undefined;
  /**
   * All of its environment; ours by default. Inherited enumerable names count, as in Node's own spawn. The program is looked
   * up along the PATH in it.
   */
  readonly env?: Environment | undefined;
  /** Its process group: `inherit`, ours (the default); `own`: it leads a new one; or the pid of the leader to join. */
  readonly group?: 'inherit' | 'own' | number | undefined;
  /** What it may do: memory, time, files, its user. As much as this process by default. */
  readonly limits?: Limits | undefined;
  /**
   * Gives it a terminal of its own as stdin, stdout and stderr, in place of pipes: see {@link Program.terminal}. It leads a new session
   * then. Excludes `stdin`, `stdout`, `stderr` and `group`.
   */
  readonly terminal?: TerminalOptions | undefined;
}

const POPEN_OPTIONS = optionNames<PopenOptions>(
  {
    stdin: true,
    stdout: true,
    stderr: true,
    fds: true,
    cwd: true,
    env: true,
    group: true,
    limits: true,
    terminal: true,
  },
  {
    ...FOREIGN_OPTIONS,
    ...instead(['encoding', 'input', 'maxOutput', 'signal', 'timeout'], 'a chain has it: pipeline(argv).run({ * })'),
    detached: "write group: 'own' for a group of its own; a program ends with this process",
    cgroup: 'write limits: { cgroup }',
  },
);

/** The system's `pid_t` has 31 bits for it: the binding would take a larger number for another group. */
const MOST_PID = 0x7fffffff;

/** The default of stdin, stdout and stderr. */
export const INHERITED = { stdin: 'inherit', stdout: 'inherit', stderr: 'inherit' } as const;

/** The slots of a program with a terminal. */
const ON_TERMINAL: readonly Slot[] = ['stdin', 'stdout', 'stderr'].map((name, fd) => ({ fd, name, spec: 'terminal' }));

/**
 * The type of a program's `terminal`, by the type of its options.
 *
 * @see the example of {@link TerminalOptions}
 */
export type TerminalEnd<Options> = 'terminal' extends keyof Options
  ? Options['terminal'] extends TerminalOptions
    ? DuplexEnd
    : TerminalOptions extends Options['terminal']
      ? DuplexEnd | undefined
      : undefined
  : undefined;

/**
 * Starts a program: `argv` is the program, by its path or by a name that is looked up along PATH, and its arguments. No
 * shell sees them.
 *
 * The program gets the descriptors that the options name and no others, all of them blocking, and default signal
 * dispositions. On Linux it gets SIGTERM when the thread that started it ends.
 *
 * Throws a TypeError for bad arguments, and ClosedError or BusyError for an end that cannot move; no end
 * has moved then. Throws SystemError if the program cannot be started (ENOENT, EACCES and so on, with `path`); the
 * given ends are closed then, as after a start.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using program = popen(['grep', '-c', 'pipe'], { stdin: 'pipe', stdout: 'pipe' });
 * const writer = program.stdin.open();
 * await writer.write('a pipe\nan end\n');
 * await writer.close();
 * await using reader = program.stdout.open();
 * console.log(String(await reader.read()).trim(), (await program.wait()).exitCode);
 * ```
 * ```text
 * 1 0
 * ```
 */
export function popen<const Options extends PopenOptions = Record<never, never>>(
  argv: readonly string[],
  options?: Options,
): Program<
  PipedEnd<Options, 'stdin', WriteEnd>,
  PipedEnd<Options, 'stdout', ReadEnd>,
  PipedEnd<Options, 'stderr', ReadEnd>,
  TerminalEnd<Options>
> {
  const slots = checkPopen(argv, options === undefined ? {} : options);
  // The type of each end is what the options' type says that it is.
  // The site is captured here: JavaScriptCore makes a tail call of this one, and then no stack has this function.
  const site = withStackLimit(1, () => callSite(popen));
  return startProgram(argv, slots, options ?? {}, site) as never;
}

/** @param maker - the public function that the user called, or the site of that call */
export function startProgram(
  argv: readonly string[],
  slots: readonly Slot[],
  { cwd, env, group, limits, terminal, guard = { kind: 'program' } }: PopenOptions & { readonly guard?: Guard },
  maker: Receiver['maker'],
): Program {
  const fds = new StdioFds(slots, { name: quoteArgv(argv), needsBlocking: true, maker, terminal }).prepare();
  try {
    const spawned = spawn({
      file: argv[0] as string,
      argv,
      cwd,
      env: terminal === undefined ? env : terminalEnvironment(terminal, env),
      fds: fds.map,
      group: terminal === undefined ? group : 'session',
      deathSignal: 'SIGTERM',
      guard,
      limits,
    });
    fds.started();
    fds.giveBackAfter(spawned.exited);
    return Program.make(argv, spawned, fds);
  } catch (error) {
    fds.fail();
    throw error;
  }
}

/** Throws for wrong arguments, before anything is taken or made. */
export function checkPopen(argv: unknown, options: PopenOptions): Slot[] {
  checkArgv(argv);
  checkOptions(options, POPEN_OPTIONS);
  checkSurroundings(options.env, options.cwd);
  checkLimits(options.limits);
  checkMayStart(argv[0] as string);
  const { group = 'inherit' } = options;
  if (group !== 'inherit' && group !== 'own' && !(Number.isInteger(group) && group > 0 && group <= MOST_PID)) {
    throw new TypeError(`group: expected 'inherit', 'own' or the pid of a group's leader, not ${show(group)}`);
  }
  if (options.terminal !== undefined) checkTerminal(options.terminal, options);
  const standard = options.terminal === undefined ? checkStdio(options, INHERITED) : ON_TERMINAL;
  return [...standard, ...checkExtraFds(options.fds)];
}
