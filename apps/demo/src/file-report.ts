import { register } from '@aiopipe/codec';

/** The results of a worker for one file. The codec carries instances by the name below. */
export class FileReport {
  constructor(
    /** Relative to the tree's root; one character for each byte, because a name need not be UTF-8. */
    readonly path: string,
    readonly bytes: number,
    /** Newlines, as `wc -l` counts them. */
    readonly lines: number,
    /** Lines that match the pattern. A last line without a newline counts, too, as for grep. */
    readonly matches: number,
    readonly sha1: string,
  ) {}

  /** The name's last dot and the rest, ASCII letters in lower case; empty if there is no dot. */
  get extension(): string {
    const name = this.path.slice(this.path.lastIndexOf('/') + 1);
    const dot = name.lastIndexOf('.');
    // Only ASCII: other bytes may be parts of a character.
    return dot > 0 ? name.slice(dot).replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : '';
  }
}

register(FileReport, {
  name: 'demo/FileReport',
  reduce: ({ path, bytes, lines, matches, sha1 }) => [path, bytes, lines, matches, sha1],
  revive: (parts) => new FileReport(...parts),
});
