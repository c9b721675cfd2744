import { TableLimit } from './tags.js';

/** A list of keys that objects were seen to have, in this order. */
export class EncoderShape {
  /** The table's generation in which `id` was given. */
  generation = 0;
  id = 0;
  /** For each key, what its values that are objects have looked like. */
  readonly places: (ShapePlace | undefined)[];
  /** The bytes that define it on the wire, once they have been written. */
  definition: Uint8Array | undefined;

  readonly #hash: number;

  constructor(
    readonly keys: readonly string[],
    hash: number,
  ) {
    this.#hash = hash;
    this.places = keys.map(() => undefined);
  }

  isFor(keys: readonly string[], hash: number): boolean {
    const own = this.keys;
    if (this.#hash !== hash || own.length !== keys.length) return false;
    for (let i = 0; i < own.length; i++) if (own[i] !== keys[i]) return false;
    return true;
  }
}

/** A place where objects are met (a key of a shape, say), and the last two shapes that they had there. */
export class ShapePlace {
  first: EncoderShape | undefined;
  second: EncoderShape | undefined;

  met(shape: EncoderShape): void {
    this.second = this.first;
    this.first = shape;
  }
}

/** Shapes that are kept in the cache; it starts again when there are more. */
const CACHED = 4096;
/** The same for the characters of their keys, which may be what a peer has sent, on their way back. */
const CACHED_CHARACTERS = 1024 * 1024;

/**
 * The encoder's side of the shape table. The shapes themselves are kept in a cache for as long as they are met (so a
 * one-shot message need not make them anew); their numbers are valid for one generation of the table.
 */
export class ShapeTable {
  readonly #cache = new Map<number, EncoderShape>();
  #cachedCharacters = 0;
  readonly #numbered: EncoderShape[] = [];
  #count = 0;
  #bytes = 0;
  #generation = 1;
  /** The place of a message's root. */
  root = new ShapePlace();

  /** How many shapes are numbered. */
  get size(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= TableLimit.Shapes || this.#bytes >= TableLimit.ShapeBytes;
  }

  /** Forgets all numbers. */
  clear(): void {
    this.#generation++;
    this.#count = 0;
    this.#bytes = 0;
  }

  /** Forgets the numbers from `size` on: what a failed message added. */
  truncate(size: number): void {
    while (this.#count > size) {
      const shape = this.#numbered[--this.#count] as EncoderShape;
      shape.generation = 0;
      this.#bytes -= (shape.definition as Uint8Array).length;
    }
  }

  /** Returns the shape of a plain object's own enumerable keys; undefined if it has none, or too many to keep. */
  find(object: object): EncoderShape | undefined {
    const keys = Object.keys(object);
    if (keys.length === 0 || keys.length > TableLimit.KeysOfShape) return undefined;
    let characters = 0;
    for (const key of keys) characters += key.length;
    if (characters > TableLimit.KeyCharacters) return undefined;
    const hash = hashKeys(keys);
    let shape = this.#cache.get(hash);
    if (shape === undefined || !shape.isFor(keys, hash)) {
      if (this.#cache.size >= CACHED || this.#cachedCharacters > CACHED_CHARACTERS) {
        this.#cache.clear();
        this.#cachedCharacters = 0;
        // All places are reached from there, and would keep shapes that are no longer in the cache.
        this.root = new ShapePlace();
      }
      this.#cache.set(hash, (shape = new EncoderShape(keys, hash)));
      this.#cachedCharacters += characters;
    }
    return shape;
  }

  isNumbered(shape: EncoderShape): boolean {
    return shape.generation === this.#generation;
  }

  /** Gives a shape the next number. Its definition must be set. */
  add(shape: EncoderShape): void {
    shape.generation = this.#generation;
    shape.id = this.#count;
    this.#numbered[this.#count++] = shape;
    this.#bytes += (shape.definition as Uint8Array).length;
  }
}

function hashKeys(keys: readonly string[]): number {
  let hash = keys.length;
  for (const key of keys) {
    const length = key.length;
    hash = Math.imul(hash, 31) + length;
    if (length > 0)
      hash = Math.imul(hash, 31) + key.charCodeAt(0) * 7 + key.charCodeAt(length - 1) + key.charCodeAt(length >> 1) * 3;
  }
  return hash ^ (hash >>> 15);
}
