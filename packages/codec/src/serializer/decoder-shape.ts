import {
  emptyObject,
  FILLED,
  type Filler,
  type FillerKeys,
  FILLERS,
  makeFiller,
  type ValueSource,
} from './object-fillers.js';

/** How objects of one shape are made quickly: the first `FILLED` keys, then as many again. */
type Filling = readonly { readonly fill: Filler; readonly keys: FillerKeys; readonly count: number }[];

/** A shape that came this often gets its own fillers. */
const OFTEN = 16;

/**
 * The fillings that shapes have got, by their keys. What V8 has learnt for a filler stays with it for as long as the
 * program runs, so they are the whole program's: the same shape gets the same one in every channel, and none is ever
 * given to another shape. Shapes that come when all are taken are filled as any object is.
 */
const fillings = new Map<string, Filling>();
let taken = 0;

function fillingFor(keys: readonly string[]): Filling | undefined {
  const name = JSON.stringify(keys);
  const known = fillings.get(name);
  const needed = Math.ceil(keys.length / FILLED);
  if (known !== undefined || taken + needed > FILLERS) return known;
  const filling = Array.from({ length: needed }, (_, i) => {
    const part = keys.slice(i * FILLED, (i + 1) * FILLED);
    return { fill: makeFiller(taken++), keys: part as unknown as FillerKeys, count: part.length };
  });
  fillings.set(name, filling);
  return filling;
}

/** The string as V8 interns it for property names, so that V8 does not look it up at each use. */
function internalized(key: string): string {
  return Object.keys({ [key]: 0 })[0] as string;
}

/** A list of keys, and how objects with them are made. */
export class DecoderShape {
  /** Whether assigning to some key would do something else than add a property: `__proto__`, and what is inherited. */
  readonly isDelicate: boolean;
  /** Makes an object to be filled. */
  readonly Create = emptyObject();
  #count = 0;
  #filling: Filling | undefined;

  readonly keys: readonly string[];

  constructor(keys: readonly string[]) {
    this.keys = keys.map(internalized);
    this.isDelicate = keys.some((key) => key in Object.prototype);
  }

  /** A new object, with the values that the source has for the keys in turn. */
  make(source: ValueSource): Record<string, unknown> {
    const { keys } = this;
    const filling = this.#filling;
    if (filling !== undefined) {
      let made: Record<string, unknown> | undefined;
      for (let i = 0; i < filling.length; i++) {
        const part = filling[i] as Filling[number];
        made = part.fill(part.keys, part.count, source, made);
      }
      return made as Record<string, unknown>;
    }
    if (++this.#count === OFTEN) this.#filling = fillingFor(keys);
    const object = source.note(new this.Create());
    for (let i = 0; i < keys.length; i++) object[keys[i] as string] = source.read();
    return object;
  }
}

/** Adds a property as data, for any key. Returns false if the object has a property of this key that cannot be replaced. */
export function define(object: object, key: string, value: unknown): boolean {
  return Reflect.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

const SLOTS = 256;
/** A definition longer than this, in bytes, is not kept. */
const LONGEST = 512;

/**
 * Shapes by the bytes that define them: a definition that comes again (in the next one-shot message, or after a reset)
 * is not read again.
 */
export class DefinitionCache {
  readonly #slots = new Array<{ bytes: Uint8Array; shape: DecoderShape } | undefined>(SLOTS);

  find(bytes: Uint8Array, start: number, end: number): DecoderShape | undefined {
    const length = end - start;
    if (length > LONGEST) return undefined;
    const found = this.#slots[hash(bytes, start, end)];
    if (found === undefined || found.bytes.length !== length) return undefined;
    const known = found.bytes;
    for (let i = 0; i < length; i++) if (known[i] !== bytes[start + i]) return undefined;
    return found.shape;
  }

  add(bytes: Uint8Array, start: number, end: number, shape: DecoderShape): void {
    if (end - start > LONGEST) return;
    this.#slots[hash(bytes, start, end)] = { bytes: Uint8Array.prototype.slice.call(bytes, start, end), shape };
  }
}

/** A few bytes of the definition do: the rest is compared. */
function hash(bytes: Uint8Array, start: number, end: number): number {
  const middle = bytes[(start + end) >> 1] as number;
  const h = (end - start) * 31 + middle * 7 + (bytes[start + 2] as number) * 5 + (bytes[end - 1] as number);
  return (h ^ (h >> 8)) & (SLOTS - 1);
}
