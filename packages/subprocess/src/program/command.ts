import { inspect } from 'node:util';

/** A value in a message, in one line. */
export function show(value: unknown): string {
  const text = inspect(value, { depth: 0, breakLength: Infinity });
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

const MAX_SHOWN = 100;

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
