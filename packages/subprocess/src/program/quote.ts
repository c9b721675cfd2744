const PLAIN = /^[\w@%+:,./-][\w@%+=:,./-]*$/;
/** Words that a shell takes for its own in the place of a program's name. */
const RESERVED =
  /^(if|then|elif|else|fi|for|while|until|do|done|case|esac|in|function|select|time|coproc|\w+=.*|-.*)$/s;

/** Returns one word of a shell line, quoted if it must be. */
export function quote(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** Returns the line by which a shell would start this program. */
export function quoteArgv(argv: readonly string[]): string {
  const [program = '', ...rest] = argv;
  const first = RESERVED.test(program) ? `'${program.replaceAll("'", String.raw`'\''`)}'` : quote(program);
  return [first, ...rest.map(quote)].join(' ');
}
