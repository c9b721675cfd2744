/** The source from which a filler takes the values. */
export interface ValueSource {
  read(): unknown;
  /** Called with an object before its values are read, because they may refer to it. */
  note<T>(object: T): T;
}

export type Empty = new () => Record<string, unknown>;

/** How many keys a filler sets. */
export const FILLED = 8;

/** The keys that a filler sets: the first `n` of them. */
export type FillerKeys = readonly [string, string, string, string, string, string, string, string];

/** Reads a value for each of the first `n` keys `k` (1 to `FILLED`), and adds it to the object `o`: without one, to a new one. */
export type Filler = (k: FillerKeys, n: number, s: ValueSource, o?: Record<string, unknown>) => Record<string, unknown>;

/**
 * Makes an empty plain object. Each such function has a hidden class of its own for what it makes: with room for its
 * properties in the object itself, and found at once when they are added.
 */
export function emptyObject(): Empty {
  const Create = function () {} as unknown as Empty;
  (Create as { prototype: object }).prototype = Object.prototype;
  return Create;
}

/**
 * One function, many times. V8 keeps what it has learnt about objects with a function's place in the source, and making
 * one and adding a property costs a sixth of the usual 10 ns where a place has only ever seen one class, one key and one
 * hidden class. So the shapes that come often get a copy each, which is made when it is taken. What code generation would do
 * is as fast, but runs text as code.
 */
// prettier-ignore
const copies: readonly ((Create: Empty) => Filler)[] = [
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
  (C) => (k, n, s, o = s.note(new C())) => { o[k[0]] = s.read(); if (n > 1) o[k[1]] = s.read(); if (n > 2) o[k[2]] = s.read(); if (n > 3) o[k[3]] = s.read(); if (n > 4) o[k[4]] = s.read(); if (n > 5) o[k[5]] = s.read(); if (n > 6) o[k[6]] = s.read(); if (n > 7) o[k[7]] = s.read(); return o; },
];

/** How many fillers there are. */
export const FILLERS = copies.length;

/** @param index - less than `FILLERS`; each is taken once */
export const makeFiller = (index: number): Filler => (copies[index] as (Create: Empty) => Filler)(emptyObject());
