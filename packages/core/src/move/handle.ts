import { type OwnedFd } from '../fd/owned-fd.js';

/**
 * Under this symbol every handle (a pipe end, a channel's end) says how it moves to another process. It is a registered
 * symbol, so that a program may hold two copies of a package and hand the handles of one to the other.
 */
export const HANDLE = Symbol.for('@aiopipe/handle');

/** What a handle leaves behind when it moves: what the other side makes it again from. */
export interface PackedHandle {
  /** Which adopter makes it again. */
  readonly kind: string;
  readonly fds: readonly OwnedFd[];
  /** Plain data that travels along: options, bytes that were read ahead. */
  readonly data?: unknown;
}

export interface Handle {
  [HANDLE](): {
    /** Throws if it can't move now: closed, moved already, or in use. */
    assertMovable(): void;
    /** What {@link move} would return, with nothing changed yet. Throws as {@link assertMovable} does. */
    pack(): PackedHandle;
    /** Takes it out of this process. `destination` is where to, in the words of later errors: `process 123`. */
    move(destination: string): PackedHandle;
  };
}

/** A handle's {@link Handle} methods, where `pack` looks whether it can move, and `leave` takes it out of this process. */
export function movingBy(
  pack: () => PackedHandle,
  leave: (destination: string) => void,
): ReturnType<Handle[typeof HANDLE]> {
  return {
    assertMovable: pack,
    pack,
    move: (destination) => {
      const packed = pack();
      leave(destination);
      return packed;
    },
  };
}

/** How a handle shows in JSON: as a string that begins so. Whoever sends JSON can look for it, as it is no handle there. */
export const HANDLE_IN_JSON = '@aiopipe/handle: ';

/** Makes a handle again from the descriptors that came; it owns them then, also if it throws. */
export type Adopt = (fds: readonly number[], data: unknown) => object;

const KINDS = Symbol.for('@aiopipe/handle.kinds');

function kinds(): Map<string, Adopt> {
  const holder = globalThis as { [KINDS]?: Map<string, Adopt> };
  return (holder[KINDS] ??= new Map<string, Adopt>());
}

/** The package that makes a kind of handle says how it is made again; of two copies, the first one's word stands. */
export function registerHandleKind(kind: string, adopt: Adopt): void {
  if (!kinds().has(kind)) kinds().set(kind, adopt);
}

export function adopterOf(kind: string): Adopt | undefined {
  return kinds().get(kind);
}

export function isHandle(value: unknown): value is Handle {
  return typeof value === 'object' && value !== null && HANDLE in value;
}
