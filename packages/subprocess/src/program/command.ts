import { inspect } from 'node:util';
import { variablesOf } from '@aiopipe/core/internal';

/** A value in a message, in one line. */
export function show(value: unknown): string {
  const text = inspect(value, { depth: 0, breakLength: Infinity });
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

const MAX_SHOWN = 100;

/** Throws a TypeError for what can't be a program's argv: it must be strings, at least one, without NUL. */
export function checkArgv(argv: unknown): asserts argv is readonly string[] {
  if (typeof argv === 'string') {
    throw new TypeError(
      `argv: expected an array, not the string ${inspect(argv)}; no shell takes it apart: write ['grep', '-i', 'error']`,
    );
  }
  if (!Array.isArray(argv)) throw new TypeError(`argv: expected an array of strings, not ${inspect(argv)}`);
  if (argv.length === 0) throw new TypeError('argv: expected the program and its arguments, not an empty array');
  for (const [index, text] of argv.entries()) {
    if (typeof text !== 'string') {
      throw new TypeError(`argv[${String(index)}]: expected a string, not ${inspect(text)}`);
    }
    checkText(`argv[${String(index)}]`, text);
  }
  if (argv[0] === '') throw new TypeError('argv[0]: the name of the program is empty');
}

/** Throws a TypeError for what can't be an environment or a working directory. */
export function checkSurroundings(env: unknown, cwd: unknown): void {
  if (cwd !== undefined) {
    if (typeof cwd !== 'string' || cwd === '') {
      throw new TypeError(`cwd: expected the path of a directory, not ${inspect(cwd)}`);
    }
    checkText('cwd', cwd);
  }
  if (env !== undefined) variablesOf(env);
}

/** The system's strings end at a NUL: what stood after it would be lost. */
export function checkText(name: string, text: string): void {
  if (text.includes('\0')) throw new TypeError(`${name}: ${inspect(text)} holds a NUL, which can't be passed`);
}

const PLAIN = /^[\w@%+:,./-][\w@%+=:,./-]*$/;
/** What a shell would take for its own where a program's name is expected. */
const RESERVED =
  /^(if|then|elif|else|fi|for|while|until|do|done|case|esac|in|function|select|time|coproc|\w+=.*|-.*)$/s;

/** One word of a shell line, quoted where it must be. */
export function quote(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** The line by which a shell would start this program. */
export function quoteArgv(argv: readonly string[]): string {
  const [program = '', ...rest] = argv;
  const first = RESERVED.test(program) ? `'${program.replaceAll("'", String.raw`'\''`)}'` : quote(program);
  return [first, ...rest.map(quote)].join(' ');
}
