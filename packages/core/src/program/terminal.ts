import { constants } from 'node:os';
import { DuplexEnd } from '../end/ends.js';
import { SystemError } from '../errors.js';
import { native } from '../fd/native.js';
import { OwnedFd } from '../fd/owned-fd.js';
import { TERMINAL } from '../fd/transport.js';
import { type CallSite } from '../wait/call-site.js';

const ENOSPC = -constants.errno.ENOSPC;

/**
 * The size of a terminal, in characters: from 1 to 65535.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using program = popen(['cat'], { terminal: { columns: 80, rows: 24 } });
 * program.resize({ columns: 120, rows: 40 });
 * ```
 */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A pseudo-terminal of a child, seen from our side of it: the master. */
export class Terminal {
  readonly end: DuplexEnd;
  /** The child's descriptor of it. The caller must close it once the child has its copies, or could not be started. */
  readonly theirs: number;
  readonly #master: OwnedFd;

  /**
   * Throws {@link SystemError} if the system refuses, for example ENOSPC.
   *
   * @param what - names it in messages
   * @param maker - the public function that the user called, or the site of that call
   */
  constructor({ columns, rows }: TerminalSize, what: string, maker: ((...args: never[]) => unknown) | CallSite) {
    const fds = new Int32Array(2);
    const result = native().terminal(fds, columns, rows);
    if (result < 0) {
      const why = result === ENOSPC ? ': the system has no more pseudo-terminals (see kernel.pty.max)' : '';
      throw new SystemError(result, 'open', `cannot make a ${what}${why}`, { path: '/dev/ptmx' });
    }
    const [master, theirs] = fds as unknown as [number, number];
    this.#master = new OwnedFd(master, what, maker);
    this.end = DuplexEnd.make(this.#master, TERMINAL);
    this.theirs = theirs;
  }

  /** Throws ClosedError or MovedError if the end is not here any more. */
  resize({ columns, rows }: TerminalSize): void {
    const { state } = this.end;
    // Of an end that has gone, asking for its descriptor throws where it went.
    const fd = state === 'owned' || state === 'open' ? this.#master.number : this.end.fd;
    const result = native().setTerminalSize(fd, columns, rows);
    if (result < 0) throw new SystemError(result, 'ioctl', `cannot resize the ${this.#master.toString()}`);
  }
}
