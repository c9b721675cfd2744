import { type OwnedFd } from '../fd/owned-fd.js';

/**
 * Under this symbol a handle (a pipe end, an opened stream, a channel) says how it moves to another process. The symbol is
 * registered: a program may load two copies of a package and pass the handles of one to the other.
 */
export const HANDLE = Symbol.for('@aiopipe/handle');

/** The data that makes a handle again in the other process. */
export interface Packed {
  readonly fds: readonly OwnedFd[];
  /** Plain data that travels with the descriptors: options, bytes that were read ahead. */
  readonly data?: unknown;
}

/**
 * How one handle moves. A move calls `check()`, `pack()` and `leave()` in this order, without a pause. Only `pack()` may
 * cost something, and it is called once.
 */
export interface Move {
  /** Names the adopter that makes the handle again: see {@link registerHandleKind}. */
  readonly kind: string;
  /** Throws if the handle cannot move now: it is closed, has moved already, or is in use. */
  check(): void;
  /** Returns what travels. Changes nothing that a user sees: the move can still fail for another reason. */
  pack(): Packed;
  /** Gives back what `pack()` took, such as a duplicate of a descriptor. Called if the move fails after `pack()`. */
  undo?(): void;
  /** Takes the handle out of this process. Later errors of the handle name `destination`: `process 123`. */
  leave(destination: string): void;
}

export interface Handle {
  [HANDLE](): Move;
}

/** Moves a handle out of this process. The caller must send its descriptors and then close them. */
export function move(handle: Handle, destination: string): Packed {
  const moving = handle[HANDLE]();
  moving.check();
  const packed = moving.pack();
  moving.leave(destination);
  return packed;
}

/** A handle becomes a string with this beginning in JSON. A sender of JSON can look for it. */
export const HANDLE_IN_JSON = '@aiopipe/handle: ';

/** Makes a handle again from its descriptors, and owns them then. If it throws, the caller must close them. */
export type Adopt = (fds: readonly number[], data: unknown) => object;

const KINDS = Symbol.for('@aiopipe/handle.kinds');

function kinds(): Map<string, Adopt> {
  const holder = globalThis as { [KINDS]?: Map<string, Adopt> };
  return (holder[KINDS] ??= new Map<string, Adopt>());
}

/** Registers how handles of a kind are made again. Of two copies of a package, the first one's adopter stays. */
export function registerHandleKind(kind: string, adopt: Adopt): void {
  if (!kinds().has(kind)) kinds().set(kind, adopt);
}

export function adopterOf(kind: string): Adopt | undefined {
  return kinds().get(kind);
}

export function isHandle(value: unknown): value is Handle {
  return typeof value === 'object' && value !== null && HANDLE in value;
}
