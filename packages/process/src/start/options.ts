import { checkName, checkOptions as checkNames, optionNames, show } from '@aiopipe/core/internal';
import { checkSurroundings, type Surroundings } from './surroundings.js';
import { checkPrefork, type Prefork } from './prefork.js';

/** How a child process is started. */
export interface ProcessOptions extends Surroundings {
  /** For messages and for `ps`. The target's name unless given. */
  readonly name?: string | undefined;
  /**
   * It doesn't keep this process alive, and once this process is gone, however it went, it gets SIGTERM and a second to
   * handle it; then it is killed, as any other child is at once.
   */
  readonly daemon?: boolean | undefined;
  /** It outlives this process. No other child outlives it, or the worker thread that started it, however that ends. */
  readonly detached?: boolean | undefined;
  /** Takes one of its children, where that has the same surroundings, instead of starting a new one. */
  readonly prefork?: Prefork | undefined;
}

const NAMES = {
  stdin: true,
  stdout: true,
  stderr: true,
  env: true,
  cwd: true,
  execArgv: true,
  name: true,
  daemon: true,
  detached: true,
  prefork: true,
} as const;

const OPTIONS = optionNames<ProcessOptions>(NAMES);

/** With what `startProcess()` takes beside them. */
export const TARGET_OPTIONS = optionNames<ProcessOptions & { readonly args?: unknown }>({ ...NAMES, args: true });
export const MODULE_OPTIONS = optionNames<ProcessOptions & { readonly args?: unknown; readonly export: string }>({
  ...NAMES,
  args: true,
  export: true,
});

/** Throws for what no child can have; nothing has moved then, and nothing was started. */
export function checkOptions(options: ProcessOptions): void {
  checkSurroundings(options);
  const { name, daemon, detached, prefork } = options;
  if (name !== undefined) checkName('name', name);
  checkFlag('daemon', daemon);
  checkFlag('detached', detached);
  if (daemon === true && detached === true) {
    throw new TypeError('daemon, detached: a daemon ends with this process, and a detached child outlives it');
  }
  checkPrefork(prefork);
}

function checkFlag(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return;
  throw new TypeError(`${name}: expected true or false, not ${show(value)}`);
}

/** The same for the `options` of a child that is somebody else's: they are named as the caller wrote them. */
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
