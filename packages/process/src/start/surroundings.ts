import { checkSurroundings as checkEnvAndCwd, checkTexts } from '@aiopipe/core/internal';
import { type Environment } from '@aiopipe/core';
import { checkStdio, type StdioOptions } from './stdio.js';

/** What a child's surroundings are from its first instruction on: nothing changes them later. */
export interface Surroundings extends StdioOptions {
  /** Its whole environment; this process's by default. Inherited enumerable names count, as in Node's own spawn. */
  readonly env?: Environment | undefined;
  /** The directory that it starts in; this process's by default. */
  readonly cwd?: string | undefined;
  /**
   * Options of its Node. This process's own by default, but for those about debugging, testing and `-e`. Files and
   * packages in them, as in NODE_OPTIONS, are looked for from the directory that this process was started in, whatever
   * `cwd` says.
   */
  readonly execArgv?: readonly string[] | undefined;
}

/** Throws a TypeError for what no child can have; nothing has moved then, and nothing was started. */
export function checkSurroundings(options: Surroundings): void {
  checkStdio(options);
  checkEnvAndCwd(options.env, options.cwd);
  if (options.execArgv !== undefined) checkTexts('execArgv', options.execArgv);
}
