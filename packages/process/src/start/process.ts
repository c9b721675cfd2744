import { type PipedEnd, type ReadEnd, type WriteEnd } from '@aiopipe/core';
import { callSite, checkMayStart, checkOptions as checkNames, show, type CallSite } from '@aiopipe/core/internal';
import { processHandleOf, type ProcessHandle } from './process-handle.js';
import { MODULE_OPTIONS, TARGET_OPTIONS, type ProcessOptions } from './options.js';
import { refuseRecursion } from '../target/role.js';
import { StartedChild } from './started-child.js';
import { howToTarget, isTarget, type AnyTarget, type Target } from '../target/target.js';
import { type Siblings } from '../sibling/siblings.js';

export { ProcessHandle } from './process-handle.js';
export { type ProcessExit } from './child-promises.js';
export { type ProcessOptions } from './options.js';

/**
 * The arguments of a target. Pipe ends and channels anywhere in them move to the child.
 *
 * @see the example of {@link startProcess}
 */
export type WithArgs<Args extends readonly unknown[]> = [] extends Args
  ? { readonly args?: Args | undefined }
  : { readonly args: Args };

/**
 * Refuses names of options that {@link ProcessOptions} does not have, unless the names are computed.
 *
 * @see the example of {@link startProcess}
 */
export type KnownOptions<Options, More extends string> = string extends keyof Options
  ? unknown
  : { readonly [Name in Exclude<keyof Options, keyof ProcessOptions | More>]: never };

/**
 * The type of a child's handle. The options decide which of its stdio are ends.
 *
 * @see the example of {@link StdioOptions}
 */
export type StartedHandle<Result, Options> = ProcessHandle<
  Result,
  PipedEnd<Options, 'stdin', WriteEnd>,
  PipedEnd<Options, 'stdout', ReadEnd>,
  PipedEnd<Options, 'stderr', ReadEnd>
>;

/** Starts a child process that calls the export of a module, named by the module's URL. */
export function startProcess<
  const Options extends ProcessOptions & { readonly export: string } = { readonly export: string },
>(
  module: URL,
  options: Options &
    KnownOptions<Options, 'args' | 'export'> & {
      readonly export: string;
      readonly args?: readonly unknown[] | undefined;
    },
): StartedHandle<unknown, Options>;
// The last overload, because TypeScript's messages are about the last one.
/**
 * Starts a child process that calls a function. Returns at once.
 *
 * A wrong argument throws, and nothing was started or moved. A start that fails (no more processes, a module that cannot be
 * loaded) rejects `result` and `join()` with {@link ChildError}.
 *
 * @example
 * ```ts
 * import { isChild, startProcess, target } from '@aiopipe/process';
 *
 * export const sum = target(import.meta.url, 'sum', (to: number) => (to * (to + 1)) / 2);
 *
 * if (!isChild()) {
 *   const child = startProcess(sum, { args: [100] });
 *   console.log(await child.result);
 *   console.log(await child.join());
 * }
 * ```
 * ```text
 * 5050
 * { exitCode: 0, signalCode: null }
 * ```
 */
export function startProcess<
  Args extends readonly unknown[],
  Result,
  const Options extends ProcessOptions & { readonly args?: unknown } = Record<never, never>,
>(
  target: Target<Args, Result>,
  ...[options]: [] extends Args
    ? [(Options & KnownOptions<Options, 'args'> & WithArgs<Args>)?]
    : [Options & KnownOptions<Options, 'args'> & WithArgs<Args>]
): StartedHandle<Awaited<Result>, Options>;
export function startProcess(
  what: unknown,
  options: ProcessOptions & { readonly export?: string; readonly args?: readonly unknown[] | undefined } = {},
): ProcessHandle<unknown> {
  // The site is captured here: JavaScriptCore makes a tail call of this one, and then no stack has this function.
  return start(what, options, callSite(startProcess));
}

/** Starts a child of a supervisor. */
export function startSupervised(
  target: AnyTarget,
  options: ProcessOptions & { readonly args: readonly unknown[] },
  siblings: Siblings,
): ProcessHandle<unknown> {
  return start(target, options, callSite(startSupervised), siblings);
}

function start(
  what: unknown,
  options: ProcessOptions & { readonly export?: string; readonly args?: readonly unknown[] | undefined },
  site: CallSite,
  siblings?: Siblings,
): ProcessHandle<unknown> {
  checkNames(options, what instanceof URL || typeof what === 'string' ? MODULE_OPTIONS : TARGET_OPTIONS);
  const { url, name } = locate(what, options.export);
  refuseRecursion(url);
  checkMayStart(process.execPath);
  const args = options.args ?? [];
  if (!Array.isArray(args)) throw new TypeError(`args: expected an array of arguments, not ${show(args)}`);
  return processHandleOf(new StartedChild({ url, name }, args, options, site, siblings));
}

function locate(what: unknown, exported: unknown): { url: string; name: string } {
  if (isTarget(what)) return { url: what.url, name: what.name };
  if (what instanceof URL) {
    if (typeof exported !== 'string') {
      throw new TypeError(
        `export: expected the name of a function that ${what.href} exports, not ${show(exported)}; ` +
          "write startProcess(url, { export: 'name' })",
      );
    }
    return { url: what.href, name: exported };
  }
  if (typeof what === 'function') {
    const name = what.name || 'run';
    throw new TypeError(
      `a function cannot be sent to another process; name it in its module, so that the child finds it: ` +
        `export const ${name} = target(import.meta.url, '${name}', ${what.name || 'async (…) => { … }'})`,
    );
  }
  const more = typeof what === 'string' ? ", with { export: 'name' }" : '';
  throw new TypeError(
    `startProcess: expected a target() or the URL of a module, not ${show(what)}; ${howToTarget(what, true)}${more}`,
  );
}
