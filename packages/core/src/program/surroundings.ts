import { checkText, checkTexts } from '../check/text.js';
import { show } from '../check/show.js';
import { variablesOf } from './environment.js';

/** Throws a TypeError unless `argv` can be a program's: strings without NUL, at least one, the first one not empty. */
export function checkArgv(argv: unknown): asserts argv is readonly string[] {
  if (typeof argv === 'string') {
    throw new TypeError(
      `argv: expected an array, not the string ${show(argv)}; aiopipe does not split it into words: write ['grep', '-i', 'error']`,
    );
  }
  checkTexts('argv', argv);
  if (argv.length === 0) throw new TypeError('argv: expected the program and its arguments, not an empty array');
  if (argv[0] === '') throw new TypeError('argv[0]: the name of the program is empty');
}

/** Throws a TypeError unless these can be a program's environment and working directory. Undefined: ours. */
export function checkSurroundings(env: unknown, cwd: unknown): void {
  if (cwd !== undefined) {
    if (typeof cwd !== 'string' || cwd === '') {
      throw new TypeError(`cwd: expected the path of a directory, not ${show(cwd)}`);
    }
    checkText('cwd', cwd);
  }
  if (env !== undefined) variablesOf(env);
}
