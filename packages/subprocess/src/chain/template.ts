import { callSite, show } from '@aiopipe/core/internal';
import { Pipeline } from './pipeline.js';

/**
 * A value for one word of a `$` template, or a part of a word. A list stands for several words.
 *
 * @see the example of {@link $}
 */
export type Word = string | number | readonly (string | number)[];

/** Characters that a shell would interpret, with the text of the error. */
const SYNTAX: readonly (readonly [RegExp, string])[] = [
  [/^[ \t]*[A-Za-z_]\w*=/, 'a variable before the program: write { argv, env } as the stage'],
  [/\|/, 'a `|`: write .pipe(…), or pipeline(…, …)'],
  [/[<>]/, 'a redirection: write run({ input: { file } }) or run({ output: { file } })'],
  [/[;&]/, 'a second command: write a second chain'],
  [/["'\\]/, 'a quote: insert a word that contains blanks or quotes as ${…}'],
  [/[*?[\]]/, "a pattern: list files with glob() of node:fs/promises, or write ${'…'} for the literal word"],
  [/[$`(){}]/, "an expansion: write ${…} with a value, or ${'…'} for the literal word"],
  [
    /(^|[ \t])[~#]/,
    "a `~` or `#` that a shell would interpret: write ${…} with a path, or ${'…'} for the literal word",
  ],
  [/\S[ \t]*\n\s*\S/, 'a second line: write a second chain, or put all words on one line'],
];

/**
 * Makes a chain of one program, written as in a shell. No shell runs: blanks separate the words, and no other character has
 * a meaning. An inserted value is one argument, unchanged; an inserted list is as many arguments. Next to text, a value is
 * part of that word. Throws TypeError for text that a shell would interpret; the message says what to write.
 *
 * @example
 * ```ts
 * import { $ } from '@aiopipe/subprocess';
 *
 * const pattern = 'two words';
 * const { stdout } = await $`echo ${['one', pattern]}`.pipe($`grep -o ${pattern}`);
 * console.log(stdout.trim());
 * ```
 * ```text
 * two words
 * ```
 */
export function $(text: TemplateStringsArray, ...values: readonly Word[]): Pipeline {
  if (!Array.isArray(text) || !('raw' in text)) {
    throw new TypeError(
      `$: use it as a template tag, as in $\`ls -l \${directory}\`; do not call it with ${show(text)}`,
    );
  }
  return Pipeline.make([words(text.raw, values)], callSite($ as (...args: never[]) => unknown));
}

function words(literals: readonly string[], values: readonly Word[]): string[] {
  // Each value is a mark, so that the text is checked as a whole. No argument of a program can hold that character.
  const line = literals.join(MARK).trim();
  for (const [pattern, what] of SYNTAX) {
    if (pattern.test(line))
      throw new TypeError(`$\`${line.replaceAll(MARK, '${…}')}\`: no shell runs this command, and it contains ${what}`);
  }
  let used = 0;
  return line
    .split(/[ \t\n]+/)
    .filter((word) => word !== '')
    .flatMap((word) => {
      if (word === MARK) return argumentsOf(values[used], used++);
      return [word.replaceAll(MARK, () => partOf(values[used], used++))];
    });
}

const MARK = '\0';

function argumentsOf(value: unknown, index: number): string[] {
  return Array.isArray(value) ? value.map((item) => textOf(item, index)) : [textOf(value, index)];
}

function partOf(value: unknown, index: number): string {
  if (!Array.isArray(value)) return textOf(value, index);
  throw new TypeError(`$: value ${String(index + 1)} is a list of separate words: put blanks around it`);
}

function textOf(value: unknown, index: number): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  throw new TypeError(
    `$: value ${String(index + 1)}: expected a string, a number or a list of those, not ${show(value)}`,
  );
}
