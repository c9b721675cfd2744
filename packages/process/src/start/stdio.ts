import { Encoder, isMovable, Output } from '@aiopipe/codec/internal';
import { type StderrOption, type StdinOption, type StdoutOption } from '@aiopipe/core';
import { checkStdio as checkChildStdio, isHandle, type Slot } from '@aiopipe/core/internal';

/**
 * The types of a child's stdin, stdout and stderr.
 *
 * @example
 * ```ts
 * import { isChild, startProcess, target } from '@aiopipe/process';
 *
 * export const talk = target(import.meta.url, 'talk', () => console.log('one line'));
 *
 * if (!isChild()) {
 *   const child = startProcess(talk, { stdout: 'pipe', stderr: 'stdout' });
 *   await using output = child.stdout.open();
 *   for await (const line of output.lines()) console.log('the child printed', line);
 * }
 * ```
 * ```text
 * the child printed one line
 * ```
 */
export interface StdioOptions {
  /**
   * `ignore` by default. With `inherit`, and if that is a terminal, the child stays in our process group: only so it can
   * read it.
   */
  readonly stdin?: StdinOption | undefined;
  /** `inherit` by default. */
  readonly stdout?: StdoutOption | undefined;
  /** `inherit` by default. */
  readonly stderr?: StderrOption | undefined;
}

/** A child's stdio by default. */
export const DEFAULT_STDIO = { stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' } as const;

/** Throws for what cannot be one of a child's first three descriptors; nothing has moved then. */
export function checkStdio(options: StdioOptions): Slot[] {
  return checkChildStdio(options, DEFAULT_STDIO);
}

/** Throws a TypeError if an end that is to be one of them is also among the arguments: it can move only once. */
export function checkApart({ stdin, stdout, stderr }: StdioOptions, args: readonly unknown[]): void {
  const ends = Object.entries({ stdin, stdout, stderr }).filter(([, choice]) => isHandle(choice));
  if (ends.length === 0) return;
  // Only an encoder knows all that it would find in there.
  new Encoder().encodeInto(new Output(), args, {
    isHandle: isMovable,
    add: (handle) => {
      const [name] = ends.find(([, end]) => end === handle) ?? [];
      if (name === undefined) return 0;
      throw new TypeError(`${name}: this end is also in args; it can move only once`);
    },
  });
}
