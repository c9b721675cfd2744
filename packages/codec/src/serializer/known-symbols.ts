import { LONGEST_SYMBOL_KEY } from './tags.js';

/** Symbols that one channel, or one call of `deserialize`, may bring that this thread has not seen in a message before. */
export const DEFAULT_SYMBOLS = 1000;
/** The most that all messages together may bring: characters of keys, with {@link EACH} more for each symbol. */
const ALL = 4 * 1024 * 1024;
const EACH = 64;

/**
 * The symbols that came in messages. `Symbol.for` keeps each for as long as the thread lives, and nothing can take one
 * back: so there is a bound for all of them together, too.
 */
const known = new Map<string, symbol>();
let taken = 0;

/** Turns keys into symbols, for one channel. */
export class SymbolSource {
  /** How many it has made that nothing had brought before. */
  fresh = 0;

  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The symbol, or a message that says why there is none. */
  get(key: string): symbol | string {
    const symbol = known.get(key);
    if (symbol !== undefined) return symbol;
    if (key.length > LONGEST_SYMBOL_KEY)
      return `a symbol has a key of more than ${String(LONGEST_SYMBOL_KEY)} characters`;
    if (this.fresh >= this.#limit)
      return `it has more new symbols than the limit of ${String(this.#limit)} (limits.symbols)`;
    if (taken + key.length + EACH > ALL) return 'this thread has received too many different symbols';
    this.fresh++;
    taken += key.length + EACH;
    const made = Symbol.for(key);
    known.set(key, made);
    return made;
  }
}
