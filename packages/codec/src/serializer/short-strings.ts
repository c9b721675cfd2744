/** Up to this length a string is cheaper to make of its character codes than through a native call on the buffer. */
export const LONGEST_OF_CODES = 20;

const of = String.fromCharCode as (...codes: (number | undefined)[]) => string;

/**
 * The Latin-1 string of `length` bytes at `i`. It is one call with all the codes: half the time of a native call, and a
 * fraction of a concatenation's, which would also leave the pieces in memory.
 */
export function ofCodes(b: Uint8Array, i: number, length: number): string {
  // prettier-ignore
  switch (length) {
    case 0: return '';
    case 1: return of(b[i]);
    case 2: return of(b[i], b[i+1]);
    case 3: return of(b[i], b[i+1], b[i+2]);
    case 4: return of(b[i], b[i+1], b[i+2], b[i+3]);
    case 5: return of(b[i], b[i+1], b[i+2], b[i+3], b[i+4]);
    case 6: return of(b[i], b[i+1], b[i+2], b[i+3], b[i+4], b[i+5]);
    case 7: return of(b[i], b[i+1], b[i+2], b[i+3], b[i+4], b[i+5], b[i+6]);
    case 8: return of(b[i], b[i+1], b[i+2], b[i+3], b[i+4], b[i+5], b[i+6], b[i+7]);
    case 9: return of(b[i], b[i+1], b[i+2], b[i+3], b[i+4], b[i+5], b[i+6], b[i+7], b[i+8]);
    case 10: return of(b[i], b[i+1], b[i+2], b[i+3], b[i+4], b[i+5], b[i+6], b[i+7], b[i+8], b[i+9]);
    case 11: return of(b[i], b[i+1], b[i+2], b[i+3], b[i+4], b[i+5], b[i+6], b[i+7], b[i+8], b[i+9], b[i+10]);
    case 12: return of(b[i], b[i+1], b[i+2], b[i+3], b[i+4], b[i+5], b[i+6], b[i+7], b[i+8], b[i+9], b[i+10], b[i+11]);
    case 13: return of(b[i], b[i+1], b[i+2], b[i+3], b[i+4], b[i+5], b[i+6], b[i+7], b[i+8], b[i+9], b[i+10], b[i+11], b[i+12]);
    case 14: return of(b[i], b[i+1], b[i+2], b[i+3], b[i+4], b[i+5], b[i+6], b[i+7], b[i+8], b[i+9], b[i+10], b[i+11], b[i+12], b[i+13]);
    case 15: return of(b[i], b[i+1], b[i+2], b[i+3], b[i+4], b[i+5], b[i+6], b[i+7], b[i+8], b[i+9], b[i+10], b[i+11], b[i+12], b[i+13], b[i+14]);
    case 16: return of(b[i], b[i+1], b[i+2], b[i+3], b[i+4], b[i+5], b[i+6], b[i+7], b[i+8], b[i+9], b[i+10], b[i+11], b[i+12], b[i+13], b[i+14], b[i+15]);
    case 17: return of(b[i], b[i+1], b[i+2], b[i+3], b[i+4], b[i+5], b[i+6], b[i+7], b[i+8], b[i+9], b[i+10], b[i+11], b[i+12], b[i+13], b[i+14], b[i+15], b[i+16]);
    case 18: return of(b[i], b[i+1], b[i+2], b[i+3], b[i+4], b[i+5], b[i+6], b[i+7], b[i+8], b[i+9], b[i+10], b[i+11], b[i+12], b[i+13], b[i+14], b[i+15], b[i+16], b[i+17]);
    case 19: return of(b[i], b[i+1], b[i+2], b[i+3], b[i+4], b[i+5], b[i+6], b[i+7], b[i+8], b[i+9], b[i+10], b[i+11], b[i+12], b[i+13], b[i+14], b[i+15], b[i+16], b[i+17], b[i+18]);
    default: return of(b[i], b[i+1], b[i+2], b[i+3], b[i+4], b[i+5], b[i+6], b[i+7], b[i+8], b[i+9], b[i+10], b[i+11], b[i+12], b[i+13], b[i+14], b[i+15], b[i+16], b[i+17], b[i+18], b[i+19]);
  }
}
