import { accessSync, constants, existsSync } from 'node:fs';
import { constants as system } from 'node:os';
import { join, resolve } from 'node:path';
import { SystemError } from '@aiopipe/core';
import { currentDirectory, startedIn } from '../target/started-in.js';
import { environmentFor, execArgvFor } from './node-options.js';
import { type Surroundings } from './surroundings.js';

/** The directory in which a child begins, and the directory that it changes to before it evaluates its module. */
export interface Place {
  /** The directory that the child is started in; undefined for this process's. */
  readonly spawnIn: string | undefined;
  /** The directory that the child goes to; undefined if it stays. */
  readonly cwd: string | undefined;
}

type PlaceOptions = Pick<Surroundings, 'cwd' | 'env' | 'execArgv'>;

/**
 * Returns where a child begins. A child with options of Node begins where this program was started: relative names in the
 * options are looked for there.
 */
export function placeOf(options: PlaceOptions): Place {
  const stays = { spawnIn: options.cwd, cwd: undefined };
  const nodeOptions = (environmentFor(options.env) ?? process.env)['NODE_OPTIONS'];
  if (execArgvFor(options.execArgv).length === 0 && !nodeOptions) return stays;
  const here = currentDirectory();
  if (here === undefined || startedIn === undefined) return stays;
  const cwd = resolve(here, options.cwd ?? '');
  return cwd === startedIn || !existsSync(startedIn) ? stays : { spawnIn: startedIn, cwd };
}

/** Throws what a start in that directory would throw: the child could only tell of it after its boot. */
export function checkPlace(options: PlaceOptions): void {
  const { cwd } = placeOf(options);
  if (cwd === undefined) return;
  try {
    // The dot makes access(2) fail for a path that is no directory.
    accessSync(join(cwd, '/') + '.', constants.X_OK);
  } catch (error) {
    const { errno = -system.errno.ENOENT } = error as NodeJS.ErrnoException;
    throw new SystemError(
      errno,
      'chdir',
      `cannot start ${JSON.stringify(process.execPath)} in ${JSON.stringify(cwd)}`,
      {
        path: cwd,
      },
    );
  }
}
