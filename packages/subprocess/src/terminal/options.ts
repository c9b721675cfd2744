import { type Environment, type TerminalSize } from '@aiopipe/core';
import { checkName, checkOptions, optionNames, show, variablesOf } from '@aiopipe/core/internal';

/**
 * The terminal of a program.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using program = popen(['stty', 'size'], { terminal: { columns: 100, rows: 30 } });
 * await using terminal = program.terminal.open();
 * console.log(String(await terminal.reader.readLine()).trim());
 * ```
 * ```text
 * 30 100
 * ```
 */
export interface TerminalOptions {
  /** Characters in a line: from 1 to 65535. */
  readonly columns: number;
  /** Lines: from 1 to 65535. */
  readonly rows: number;
  /** The kind of terminal: TERM of the program's environment. Default: TERM of the option `env`, or else `xterm-256color`. */
  readonly name?: string | undefined;
}

const TERMINAL_OPTIONS = optionNames<TerminalOptions>({ columns: true, rows: true, name: true });
const SIZE = optionNames<TerminalSize>({ columns: true, rows: true });

/** The system keeps each number in 16 bits; 0 means that it is unknown. */
const MOST = 65_535;

const DEFAULT_NAME = 'xterm-256color';

/** Options that say what a terminal says already, and its session. */
const EXCLUDED = ['stdin', 'stdout', 'stderr', 'group'] as const;

/** Throws for wrong values, and for other options that cannot go with them. */
export function checkTerminal(
  terminal: unknown,
  others: Readonly<Partial<Record<(typeof EXCLUDED)[number], unknown>>>,
): void {
  checkOptions(terminal, TERMINAL_OPTIONS, 'terminal');
  const { columns, rows, name } = terminal as TerminalOptions;
  checkNumbers({ columns, rows }, 'terminal.');
  if (name !== undefined) checkName('terminal.name', name);
  for (const option of EXCLUDED) {
    if (others[option] === undefined) continue;
    const why =
      option === 'group'
        ? 'a program with a terminal leads a session and a group of its own'
        : "a terminal is the program's stdin, stdout and stderr";
    throw new TypeError(`${option}: cannot be given together with terminal, because ${why}`);
  }
}

/** Throws for a wrong size. */
export function checkSize(size: unknown): asserts size is TerminalSize {
  if (size === undefined) throw new TypeError('size: expected { columns, rows }, not undefined');
  checkOptions(size, SIZE, 'size');
  checkNumbers(size as TerminalSize, '');
}

function checkNumbers({ columns, rows }: Readonly<Record<keyof TerminalSize, unknown>>, prefix: string): void {
  for (const [name, value] of Object.entries({ columns, rows })) {
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MOST) continue;
    throw new TypeError(
      `${prefix}${name}: expected a whole number of characters, from 1 to ${String(MOST)}, not ${show(value)}`,
    );
  }
}

/**
 * The environment of a program with a terminal. If it is ours, it loses the size of our own terminal: programs would believe it
 * instead of asking theirs.
 */
export function terminalEnvironment({ name }: TerminalOptions, env: Environment | undefined): Environment {
  if (env === undefined) {
    return { ...process.env, TERM: name ?? DEFAULT_NAME, COLUMNS: undefined, LINES: undefined };
  }
  const given = Object.fromEntries(variablesOf(env));
  return { ...given, TERM: name ?? given['TERM'] ?? DEFAULT_NAME };
}
