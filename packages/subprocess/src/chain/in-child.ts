import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { inheritedExecArgv } from '@aiopipe/core/internal';
import { show } from '../program/command.js';
import { type StageOptions } from './stage.js';

/**
 * A stage that runs a function in a process of its own, with the kernel's pipes as its input and output: `name` is the
 * export of the module at `url`, a function such as {@link StageFunction} describes. It is a program as others are (`node`
 * with that module, and with what this process was given to load modules), so that the stage's other options can be added: `{ ...inChild(url, 'parse'), allowFail: true }`.
 * What the function throws is on its stderr, with exit code 1.
 *
 * ```ts
 * pipeline(['zcat', file], inChild(new URL('./parse.js', import.meta.url), 'parse'), ['sort']);
 * ```
 */
export function inChild(url: URL, name = 'default'): StageOptions {
  if (!(url instanceof URL) || url.protocol !== 'file:') {
    throw new TypeError(
      `inChild: expected the URL of a file, as new URL('./stage.js', import.meta.url), not ${show(url)}`,
    );
  }
  if (typeof name !== 'string') throw new TypeError(`inChild: expected the name of an export, not ${inspect(name)}`);
  const runner = fileURLToPath(new URL('./stage-child.js', import.meta.url));
  const argv = [process.execPath, ...inheritedExecArgv(process.execArgv), runner, url.href, name];
  return { argv, name: name === 'default' ? fileURLToPath(url) : name };
}
