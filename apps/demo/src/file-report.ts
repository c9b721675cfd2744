import { register } from '@aiopipe/codec';

/** What a worker found in one file. It is a class on both sides: the codec carries it by the name below. */
export class FileReport {
  constructor(
    /** Relative to the tree's root; one character for each byte, since names are bytes and needn't be UTF-8. */
    readonly path: string,
    readonly bytes: number,
    /** Newlines, as `wc -l` counts them. */
    readonly lines: number,
    /** Lines that match the pattern; a last one without a newline counts too, as for grep. */
    readonly matches: number,
    readonly sha1: string,
  ) {}

  /** What stands behind the name's last dot, ASCII letters in lower case; empty for a name without one. */
  get extension(): string {
    const name = this.path.slice(this.path.lastIndexOf('/') + 1);
    const dot = name.lastIndexOf('.');
    // Byte by byte, the others may be halves of a character.
    return dot > 0 ? name.slice(dot).replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : '';
  }
}

register(FileReport, {
  name: 'demo/FileReport',
  reduce: ({ path, bytes, lines, matches, sha1 }) => [path, bytes, lines, matches, sha1],
  revive: (parts) => new FileReport(...parts),
});
