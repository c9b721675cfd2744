import { checkCount, checkOptions, instead, optionNames, show } from '@aiopipe/core/internal';
import { howToTarget, isTarget, type AnyTarget } from '../target/target.js';
import { type StdioOptions } from './stdio.js';
import { checkSurroundings, OF_SURROUNDINGS, SURROUNDINGS, type Surroundings } from './surroundings.js';

/**
 * Options of {@link Prefork}: the number and the surroundings of its children.
 *
 * @see the example of {@link Prefork}
 */
export interface PreforkOptions extends Omit<Surroundings, keyof StdioOptions> {
  /** How many children wait; 1 by default, 1024 at most. */
  readonly size?: number | undefined;
  /** Modules that the children evaluate before they are taken: those of targets, or others by their URL. */
  readonly preload?: readonly (AnyTarget | URL)[] | undefined;
  /** `'ignore'` by default. */
  readonly stdin?: 'ignore' | 'inherit' | undefined;
  /** `'inherit'` by default. */
  readonly stdout?: 'ignore' | 'inherit' | undefined;
  /** `'inherit'` by default. */
  readonly stderr?: 'ignore' | 'inherit' | undefined;
}

const OPTIONS = optionNames<PreforkOptions>(
  { size: true, preload: true, ...SURROUNDINGS },
  {
    ...OF_SURROUNDINGS,
    ...instead(['args', 'name', 'daemon', 'detached'], 'the start has it: startProcess(target, { prefork, * })'),
    ...instead(['min', 'max', 'count'], 'write size'),
    ...instead(['targets', 'modules'], 'write preload'),
    ...instead(['timeout', 'signal'], 'write prefork.ready({ * })'),
  },
);

/** The same limit as for a pool's workers: a larger number is a mistake. */
const MOST_CHILDREN = 1024;

/** {@link PreforkOptions}, checked. */
export interface PreforkSettings {
  readonly size: number;
  readonly surroundings: Surroundings;
  /** URLs of modules. */
  readonly preload: readonly string[];
}

/** Throws TypeError if an option has an unknown name. */
export function checkPreforkNames(options: PreforkOptions): void {
  checkOptions(options, OPTIONS);
}

/** Throws TypeError if an option is wrong. */
export function readPreforkOptions(options: PreforkOptions): PreforkSettings {
  const { size = 1, preload = [], ...surroundings } = options;
  checkCount('size', size, { least: 1, most: MOST_CHILDREN, of: 'children' });
  if (!Array.isArray(preload)) throw new TypeError(`preload: expected an array, not ${show(preload)}`);
  checkSurroundings(surroundings);
  for (const name of ['stdin', 'stdout', 'stderr'] as const) {
    const choice = surroundings[name];
    if (choice === undefined || choice === 'ignore' || choice === 'inherit') continue;
    throw new TypeError(
      `${name}: expected 'ignore' or 'inherit', not ${show(choice)}; ` +
        'the children of a prefork cannot share a pipe, an end or a file',
    );
  }
  return { size, surroundings, preload: preload.map(urlOf) };
}

function urlOf(what: unknown, index: number): string {
  if (isTarget(what)) return what.url;
  if (what instanceof URL) return what.href;
  throw new TypeError(
    `preload[${String(index)}]: expected a target() or the URL of a module, not ${show(what)}; ${howToTarget(what, true)}`,
  );
}
