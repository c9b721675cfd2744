import { show } from './show.js';

declare const TYPE: unique symbol;

/** The names that an options object of type `T` may have. */
export interface OptionNames<T extends object> {
  readonly names: ReadonlySet<string>;
  readonly elsewhere?: Elsewhere | undefined;
  readonly [TYPE]?: T;
}

/** What to write in place of names that belong to other calls or to other libraries: ends the message `name: unknown option; …`. */
export type Elsewhere = Readonly<Record<string, string>>;

/** Lists the names of an options type. The compiler refuses a list that lacks one or has one too many. */
export function optionNames<T extends object>(
  names: { readonly [K in keyof T]-?: true },
  elsewhere?: Elsewhere,
): OptionNames<T> {
  return { names: new Set(Object.keys(names)), elsewhere };
}

/** Says of several names to write the same, in which `*` stands for the name. */
export function instead(names: Iterable<string>, advice: string): Elsewhere {
  return Object.fromEntries(Array.from(names, (name) => [name, advice.replaceAll('*', name)]));
}

/**
 * Returns a TypeError if `options` is no object or has a name that is not listed; undefined if it is right. An option that
 * is misspelt would be ignored otherwise: `{ timout: 100 }` would wait for ever.
 *
 * @param what - names the argument in messages
 */
export function refuseOptions<T extends object>(
  options: unknown,
  { names, elsewhere = {} }: OptionNames<T>,
  what = 'options',
): TypeError | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    return new TypeError(`${what}: expected an object, such as { ${[...names].join(', ')} }, not ${show(options)}`);
  }
  for (const name in options) {
    // A name that every object has, because a program extended Object.prototype, says nothing about this one.
    if (!names.has(name) && !(name in Object.prototype))
      return new TypeError(
        `${what === 'options' ? name : `${what}.${name}`}: ${unknownOption(name, names, elsewhere)}`,
      );
  }
  return undefined;
}

/** Throws what {@link refuseOptions} returns. */
export function checkOptions<T extends object>(options: unknown, names: OptionNames<T>, what = 'options'): void {
  const refusal = refuseOptions(options, names, what);
  if (refusal !== undefined) throw refusal;
}

function unknownOption(name: string, names: ReadonlySet<string>, elsewhere: Elsewhere): string {
  const known = Object.keys(elsewhere).find((other) => plain(other) === plain(name));
  if (known !== undefined) return `unknown option; ${elsewhere[known] as string}`;
  const nearest = nearestName(name, names);
  if (nearest !== undefined) return `unknown option; did you mean ${nearest}?`;
  return `unknown option; ${names.size === 0 ? 'this call has no options' : `expected ${[...names].join(', ')}`}`;
}

/** Returns the name that is meant by a misspelt one; undefined if none is near enough. */
export function nearestName(name: string, names: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  const meant = plain(name);
  let least = Math.max(2, Math.ceil(meant.length / 2));
  for (const candidate of names) {
    const distance = editDistance(meant, plain(candidate));
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

/** `max_line_length`, `MaxLineLength` and `maxLineLength` are the same to a user who types them. */
function plain(name: string): string {
  return name.slice(0, 64).toLowerCase().replaceAll(/[-_]/g, '');
}

/** Levenshtein's distance, with two neighbours that changed places as one edit. */
function editDistance(one: string, other: string): number {
  let before: number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const cost = one[i - 1] === other[j - 1] ? 0 : 1;
      let least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) {
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      }
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[other.length] ?? 0;
}
