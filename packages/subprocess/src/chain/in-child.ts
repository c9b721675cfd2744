import { fileURLToPath } from 'node:url';
import { inheritedExecArgv, runtimeArgv, show } from '@aiopipe/core/internal';
import { type StageOptions } from './program-stage.js';

/**
 * Makes a stage that runs a function in a process of its own, with the kernel's pipes as its input and output. The
 * function is the export `name` (`default` unless given) of the module at `url`, as {@link StageFunction} describes.
 *
 * The stage is a program as any other: `node` with that module, and with the options by which this process loads modules.
 * So it can have more options: `{ ...inChild(url, 'parse'), allowFail: true }`. If the function throws, the error is
 * written to the stage's stderr, and its exit code is 1.
 *
 * @example
 * ```ts
 * import { inChild, pipeline, type StageInput } from '@aiopipe/subprocess';
 *
 * export async function* upper(input: StageInput) {
 *   for await (const line of input.lines()) yield `${line.toUpperCase()}\n`;
 * }
 * if (process.argv[1] === import.meta.filename) {
 *   const chain = pipeline(['echo', 'hello'], inChild(new URL(import.meta.url), 'upper'), ['rev']);
 *   console.log((await chain).stdout.trim());
 * }
 * ```
 * ```text
 * OLLEH
 * ```
 */
export function inChild(url: URL, name = 'default'): StageOptions {
  if (!(url instanceof URL) || url.protocol !== 'file:') {
    throw new TypeError(
      `inChild: expected the URL of a file, as new URL('./stage.js', import.meta.url), not ${show(url)}`,
    );
  }
  if (typeof name !== 'string') throw new TypeError(`inChild: expected the name of an export, not ${show(name)}`);
  const runner = fileURLToPath(new URL('./stage-child.js', import.meta.url));
  const argv = [...runtimeArgv(inheritedExecArgv(process.execArgv)), runner, url.href, name];
  return { argv, name: name === 'default' ? fileURLToPath(url) : name };
}
