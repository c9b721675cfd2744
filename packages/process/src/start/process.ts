import { checkOptions as checkNames, show } from '@aiopipe/core/internal';
import { processHandleOf, type ProcessHandle } from './process-handle.js';
import { MODULE_OPTIONS, TARGET_OPTIONS, type ProcessOptions } from './options.js';
import { refuseRecursion } from '../target/role.js';
import { StartedChild } from './started-child.js';
import { isTarget, type Target } from '../target/target.js';

export { ProcessHandle } from './process-handle.js';
export { type ProcessExit } from './started-child.js';
export { type ProcessOptions } from './options.js';

/** The arguments of a target. Pipe ends and channels anywhere in them move to the child. */
export type WithArgs<Args extends readonly unknown[]> = [] extends Args
  ? { readonly args?: Args | undefined }
  : { readonly args: Args };

/**
 * Starts a child process that calls a function. Returns at once.
 *
 * A wrong argument throws, and nothing was started or moved. A start that fails (no more processes, a module that cannot be
 * loaded) rejects `result` and `join()` with {@link ChildError}.
 *
 * ```ts
 * const child = startProcess(greet, { args: [tx, 'world'] });
 * await child.join();
 * ```
 */
export function startProcess<Args extends readonly unknown[], Result>(
  target: Target<Args, Result>,
  ...[options]: [] extends Args ? [(ProcessOptions & WithArgs<Args>)?] : [ProcessOptions & WithArgs<Args>]
): ProcessHandle<Awaited<Result>>;
/** Starts a child process that calls the export of a module, named by the module's URL. */
export function startProcess(
  module: URL,
  options: ProcessOptions & { readonly export: string; readonly args?: readonly unknown[] | undefined },
): ProcessHandle;
export function startProcess(
  what: unknown,
  options: ProcessOptions & { readonly export?: string; readonly args?: readonly unknown[] | undefined } = {},
): ProcessHandle<unknown> {
  checkNames(options, what instanceof URL ? MODULE_OPTIONS : TARGET_OPTIONS);
  const { url, name } = locate(what, options.export);
  refuseRecursion(url);
  const args = options.args ?? [];
  if (!Array.isArray(args)) throw new TypeError(`args: expected an array of arguments, not ${show(args)}`);
  return processHandleOf(new StartedChild({ url, name }, args, options, startProcess));
}

function locate(what: unknown, exported: unknown): { url: string; name: string } {
  if (isTarget(what)) return { url: what.url, name: what.name };
  if (what instanceof URL) {
    if (typeof exported !== 'string') throw new TypeError(`export: expected the name of the function in ${what.href}`);
    return { url: what.href, name: exported };
  }
  if (typeof what === 'function') {
    const name = what.name || 'run';
    throw new TypeError(
      `a function cannot be sent to another process; name it in its module, so that the child finds it: ` +
        `export const ${name} = target(import.meta.url, '${name}', ${what.name || 'async (…) => { … }'})`,
    );
  }
  throw new TypeError(`expected a target(), or a module's URL, not ${show(what)}`);
}
