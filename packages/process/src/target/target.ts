import { queueMicrotask, show } from '@aiopipe/core/internal';
import { role, takeRole } from './role.js';

/**
 * A function that a child process can be started on; {@link target} makes it.
 *
 * @see the example of {@link target}
 */
export interface Target<Args extends readonly unknown[] = readonly unknown[], Result = unknown> {
  /** The module that the child evaluates. */
  readonly url: string;
  /** The name in that module. */
  readonly name: string;
  readonly run: (...args: Args) => Result | Promise<Result>;
}

/**
 * A target of any arguments.
 *
 * @see the example of {@link target}
 */
export type AnyTarget = Target<never, unknown>;

const TARGETS = Symbol.for('@aiopipe/process.targets');

function targets(): Map<string, AnyTarget> {
  const holder = globalThis as { [TARGETS]?: Map<string, AnyTarget> };
  return (holder[TARGETS] ??= new Map<string, AnyTarget>());
}

const key = (url: string, name: string) => `${url}#${name}`;

/** The targets that were registered in this turn: a module is evaluated in one turn, unless it awaits. */
const fresh = new Map<string, unknown>();

/**
 * Throws a TypeError if a module gives one name to two functions: a child could find only one of them. A loader may evaluate a
 * module again: that is in a later turn, and no error.
 */
function refuseSecond(url: string, name: string, run: unknown): void {
  const known = fresh.get(key(url, name));
  if (known !== undefined && known !== run) {
    throw new TypeError(
      `target: ${url} names two functions ${JSON.stringify(name)}; a child finds only one of them, so give each ` +
        'its own name',
    );
  }
  if (fresh.size === 0) {
    queueMicrotask(() => {
      fresh.clear();
    });
  }
  fresh.set(key(url, name), run);
}

/**
 * Names a function so that a child process can find it: the child evaluates the same module, and calls the function that was
 * registered under that name. The function need not be exported.
 *
 * @param url - the URL of the calling module: `import.meta.url`
 * @param name - unique in that module; throws TypeError for a second function of the same name
 *
 * @example
 * ```ts
 * import { aiopipe, type WriteEnd } from '@aiopipe/core';
 * import { isChild, startProcess, target } from '@aiopipe/process';
 *
 * export const greet = target(import.meta.url, 'greet', async (tx: WriteEnd, who: string) => {
 *   await using writer = tx.open();
 *   await writer.write(`hello ${who}`);
 * });
 *
 * if (!isChild()) {
 *   const [rx, tx] = aiopipe();
 *   startProcess(greet, { args: [tx, 'world'] });
 *   await using reader = rx.open();
 *   console.log(String(await reader.read()));
 * }
 * ```
 * ```text
 * hello world
 * ```
 */
export function target<Args extends unknown[], Result>(
  url: string,
  name: string,
  run: (...args: Args) => Result | Promise<Result>,
): Target<Args, Result> {
  if (typeof url !== 'string' || !URL.canParse(url)) {
    throw new TypeError(`target: expected import.meta.url first, not ${show(url)}`);
  }
  if (typeof name !== 'string' || name === '') throw new TypeError(`target: expected a name second, not ${show(name)}`);
  if (typeof run !== 'function') throw new TypeError(`target: expected a function third, not ${show(run)}`);
  refuseSecond(url, name, run);
  const made: Target<Args, Result> = Object.freeze({ url, name, run });
  targets().set(key(url, name), made as unknown as AnyTarget);
  return made;
}

/** Ends the message about a wrong target. A path is what `new Worker()` and `fork()` take. */
export function howToTarget(value: unknown, takesModule = false): string {
  if (takesModule && typeof value === 'string') return `write new URL(${show(value)}, import.meta.url)`;
  return "its module makes one by target(import.meta.url, 'name', async (…) => …)";
}

export function isTarget(value: unknown): value is AnyTarget {
  const { url, name, run } = (value ?? {}) as Partial<AnyTarget>;
  return typeof url === 'string' && typeof name === 'string' && typeof run === 'function';
}

/** Throws TypeError if it is no target. */
export function checkTarget(value: unknown, place: string): asserts value is AnyTarget {
  if (!isTarget(value)) throw new TypeError(`${place}: expected a target(), not ${show(value)}; ${howToTarget(value)}`);
}

/** Evaluates a module, and resolves with the function that `target()` registered, or the export of that name. */
export async function loadFunction(url: string, name: string): Promise<(...args: unknown[]) => unknown> {
  const module = await evaluate(url);
  const registered: unknown = targets().get(key(url, name)) ?? module[name];
  const run = isTarget(registered) ? registered.run : registered;
  if (typeof run === 'function') return run as (...args: unknown[]) => unknown;
  const exported = Object.keys(module).join(', ') || 'nothing';
  throw new TypeError(
    `${url} has no target and no exported function ${JSON.stringify(name)} (it exports ${exported}); ` +
      `write: target(import.meta.url, ${JSON.stringify(name)}, async (…) => { … })`,
  );
}

/** Evaluates a module. Until that is done no process can be started: the module may be the one that started this process. */
export async function evaluate(url: string): Promise<Record<string, unknown>> {
  const { isEvaluating } = role;
  takeRole({ isEvaluating: true, module: url });
  try {
    return (await import(url)) as Record<string, unknown>;
  } catch (error) {
    throw explained(error);
  } finally {
    takeRole({ isEvaluating });
  }
}

/** Adds to Node's error about TypeScript which loader is missing in the child. */
function explained(error: unknown): unknown {
  const { code, message } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  if (code !== 'ERR_UNKNOWN_FILE_EXTENSION' || !/"\.[cm]?tsx?"/.test(message ?? '')) return error;
  return new TypeError(
    `${String(message)}: Node ${process.versions.node} cannot load TypeScript (22.18 and later can); start the ` +
      'program with a loader, such as `node --import tsx`, which its children inherit, or compile the module',
    { cause: error },
  );
}
