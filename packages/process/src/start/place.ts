import { accessSync, constants, existsSync } from 'node:fs';
import { constants as system } from 'node:os';
import { join, resolve } from 'node:path';
import { SystemError } from '@aiopipe/core';
import { type Surroundings } from './surroundings.js';
import { environmentFor, execArgvFor } from './node-options.js';
import { currentDirectory, startedIn } from './started-in.js';

/** The directory that a child is started in, and the one that it goes to then; undefined: it stays. */
export interface Place {
  readonly spawnIn: string | undefined;
  readonly cwd: string | undefined;
}

export function placeOf(options: Pick<Surroundings, 'cwd' | 'env' | 'execArgv'>): Place {
  const stays = { spawnIn: options.cwd, cwd: undefined };
  if (execArgvFor(options).length === 0 && !nodeOptions(options)) return stays;
  const here = currentDirectory();
  if (here === undefined || startedIn === undefined) return stays;
  const cwd = resolve(here, options.cwd ?? '');
  return cwd === startedIn || !existsSync(startedIn) ? stays : { spawnIn: startedIn, cwd };
}

function nodeOptions({ env }: Pick<Surroundings, 'env'>): string | undefined {
  return (environmentFor(env) ?? process.env)['NODE_OPTIONS'];
}

/** Throws what the start in that directory would: a child that goes there later could tell of it only after its boot. */
export function checkPlace(options: Pick<Surroundings, 'cwd' | 'env' | 'execArgv'>): void {
  const { cwd } = placeOf(options);
  if (cwd === undefined) return;
  try {
    // With the dot, what is no directory isn't there.
    accessSync(join(cwd, '/') + '.', constants.X_OK);
  } catch (error) {
    const { errno = -system.errno.ENOENT } = error as NodeJS.ErrnoException;
    throw new SystemError(errno, 'chdir', `can't start ${JSON.stringify(process.execPath)} in ${JSON.stringify(cwd)}`, {
      path: cwd,
    });
  }
}
