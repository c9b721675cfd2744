/**
 * An array to be filled with `n` elements. A short one is there in its length, so that it takes the memory for that; one
 * that grows by `push` begins with room for 17. A longer one is empty.
 *
 * A literal it is, as `new Array(n)` makes one that V8 takes to have holes for as long as it lives.
 */
export function arrayFor(n: number): unknown[] {
  const u = undefined;
  // prettier-ignore
  switch (n) {
    case 1: return [u];
    case 2: return [u, u];
    case 3: return [u, u, u];
    case 4: return [u, u, u, u];
    case 5: return [u, u, u, u, u];
    case 6: return [u, u, u, u, u, u];
    case 7: return [u, u, u, u, u, u, u];
    case 8: return [u, u, u, u, u, u, u, u];
    default: return [];
  }
}
