import { constants } from 'node:buffer';

/** Returns how many bytes fit into a string of that encoding, or into a Buffer. */
export function mostBytes(encoding: BufferEncoding | 'buffer'): number {
  const { MAX_LENGTH: ofBuffer, MAX_STRING_LENGTH: ofString } = constants;
  switch (encoding.toLowerCase()) {
    case 'buffer':
      return ofBuffer;
    case 'hex':
      return Math.floor(ofString / 2);
    case 'base64':
    case 'base64url':
      return Math.floor(ofString / 4) * 3;
    case 'ucs2':
    case 'ucs-2':
    case 'utf16le':
    case 'utf-16le':
      return 2 * ofString;
    default:
      return ofString; // in invalid UTF-8 each byte becomes a character
  }
}
