import { resolve } from 'node:path';
import { type Environment, type Limits } from '@aiopipe/core';
import {
  checkLimits,
  checkSurroundings as checkEnvAndCwd,
  checkTexts,
  instead,
  limitsKey,
  variablesOf,
} from '@aiopipe/core/internal';
import { currentDirectory } from '../target/started-in.js';
import { checkNodeMemory } from './node-limits.js';
import { execArgvFor } from './node-options.js';
import { checkStdio, DEFAULT_STDIO, type StdioOptions } from './stdio.js';

/**
 * The properties that a child has from its first instruction on, and that cannot change later.
 *
 * @see the example of {@link ProcessOptions}
 */
export interface Surroundings extends StdioOptions {
  /** The child's whole environment; this process's by default. Inherited enumerable names count, as in Node's own spawn. */
  readonly env?: Environment | undefined;
  /** The child's working directory; this process's by default. */
  readonly cwd?: string | undefined;
  /**
   * Options of the child's Node; by default this process's own, without those about debugging, testing and `-e`. Files and
   * packages in them, as in NODE_OPTIONS, are looked for from the directory that this process was started in, whatever
   * `cwd` says.
   */
  readonly execArgv?: readonly string[] | undefined;
  /**
   * What the child may do: memory, time, files, its user. As much as this process by default. Memory that V8 reserves for compiled code
   * does not count as the child's. A `memory` below 48 MiB throws a TypeError: Node.js cannot start with that.
   */
  readonly limits?: Limits | undefined;
}

/** The names of {@link Surroundings}, for the lists of option names. */
export const SURROUNDINGS = {
  stdin: true,
  stdout: true,
  stderr: true,
  env: true,
  cwd: true,
  execArgv: true,
  limits: true,
} as const;

/** Limits that programs look for outside `limits`. */
export const LIMITED = ['uid', 'gid', 'groups', 'umask'];

/** What to write in place of options of `node:child_process`. */
export const OF_SURROUNDINGS = {
  ...instead(LIMITED, 'write limits: { * } in its place'),
  ...instead(['stdio', 'silent'], 'write stdin, stdout and stderr'),
};

/** Throws a TypeError for what no child can have; nothing has moved then, and nothing was started. */
export function checkSurroundings(options: Surroundings): void {
  checkStdio(options);
  checkEnvAndCwd(options.env, options.cwd);
  if (options.execArgv !== undefined) checkTexts('execArgv', options.execArgv);
  checkLimits(options.limits);
  checkNodeMemory(options.limits);
}

/** Returns a string that is equal for equal surroundings of a start now. Undefined if no two starts can share them. */
export function surroundingsKey({
  env,
  cwd,
  execArgv,
  limits,
  stdin,
  stdout,
  stderr,
}: Surroundings): string | undefined {
  const { stdin: input, stdout: output, stderr: errors } = DEFAULT_STDIO;
  const stdio = [stdin ?? input, stdout ?? output, stderr ?? errors];
  if (!stdio.every((choice) => choice === 'ignore' || choice === 'inherit')) return undefined;
  const pairs = variablesOf(env ?? process.env);
  const variables = pairs.map((pair) => pair.join('=')).sort();
  const here = currentDirectory();
  const directory = here === undefined ? cwd : resolve(here, cwd ?? '');
  return JSON.stringify([directory, execArgvFor(execArgv), stdio, variables, limitsKey(limits)]);
}
