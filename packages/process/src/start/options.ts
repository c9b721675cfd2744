import { checkFlag, checkName, checkOptions as checkNames, instead, optionNames } from '@aiopipe/core/internal';
import { checkSurroundings, LIMITED, OF_SURROUNDINGS, SURROUNDINGS, type Surroundings } from './surroundings.js';
import { checkPrefork, type Prefork } from './prefork.js';

/**
 * Options of a child process.
 *
 * @example
 * ```ts
 * import { isChild, startProcess, target } from '@aiopipe/process';
 *
 * export const greet = target(import.meta.url, 'greet', () => `${process.env['GREETING']} in ${process.cwd()}`);
 *
 * if (!isChild()) {
 *   const child = startProcess(greet, {
 *     name: 'greeter', // in messages and in ps
 *     env: { ...process.env, GREETING: 'hello' },
 *     cwd: '/',
 *     limits: { openFiles: 256 },
 *   });
 *   console.log(await child.result);
 * }
 * ```
 * ```text
 * hello in /
 * ```
 */
export interface ProcessOptions extends Surroundings {
  /** The name in messages and in `ps`; by default the target's name. */
  readonly name?: string | undefined;
  /**
   * The child does not keep this process alive; false by default. When this process ends, however that happens, a daemon gets
   * SIGTERM, and SIGKILL a second later. Any other child gets SIGKILL at once.
   */
  readonly daemon?: boolean | undefined;
  /** The child outlives this process; false by default. Any other child ends with the process or the worker thread that started it. */
  readonly detached?: boolean | undefined;
  /** Takes a child of this prefork, if one with the same surroundings waits, instead of booting a new one. */
  readonly prefork?: Prefork | undefined;
}

const NAMES = { ...SURROUNDINGS, name: true, daemon: true, detached: true, prefork: true } as const;

/** What a child has in place of options of `node:child_process`. */
const OF_A_CHILD = { ...OF_SURROUNDINGS, argv0: 'write name' };

/** The same of `startProcess()`, also for options of a worker thread and of a supervisor. */
const OF_A_START = {
  ...OF_A_CHILD,
  ...instead(['restart', 'maxRestarts', 'backoff'], 'a Supervisor restarts children'),
  ...instead(['timeout', 'signal'], 'wait with child.join({ * }), and end the child with child.stop()'),
  serialization: 'a channel in args has the options encoder and decoder',
  workerData: 'write args',
};

const OPTIONS = optionNames<ProcessOptions>(NAMES, OF_A_CHILD);

/** The options of `startProcess()`, with `args` and `export`. */
export const TARGET_OPTIONS = optionNames<ProcessOptions & { readonly args?: unknown }>(
  { ...NAMES, args: true },
  OF_A_START,
);
export const MODULE_OPTIONS = optionNames<ProcessOptions & { readonly args?: unknown; readonly export: string }>(
  { ...NAMES, args: true, export: true },
  OF_A_START,
);

/** What calls say that have the options of their processes in `options`. */
export const IN_OPTIONS = {
  ...instead(OPTIONS.names, 'write options: { * }'),
  ...instead(LIMITED, 'write options: { limits: { * } }'),
  argv0: 'write options: { name }',
};

/** Throws for wrong options, before anything is moved or started. */
export function checkOptions(options: ProcessOptions): void {
  checkSurroundings(options);
  const { name, daemon, detached, prefork } = options;
  if (name !== undefined) checkName('name', name);
  checkFlag('daemon', daemon);
  checkFlag('detached', detached);
  if (daemon === true && detached === true) {
    throw new TypeError(
      'daemon, detached: pass only one of them; a daemon ends with this process, a detached child outlives it',
    );
  }
  checkPrefork(prefork);
}

/** Checks the `options` that a supervisor or a pool passes on; messages name them as the caller wrote them. */
export function checkOptionsAt(place: string, options: unknown): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    checkNames(options, OPTIONS, place);
    return;
  }
  try {
    checkNames(options, OPTIONS);
    checkOptions(options);
  } catch (error) {
    throw error instanceof TypeError ? new TypeError(`${place}.${error.message}`) : error;
  }
}
