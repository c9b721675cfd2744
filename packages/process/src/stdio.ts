import { closeSync, openSync } from 'node:fs';
import { aiopipe, type PipeReader, type PipeWriter, type ReadEnd, type WriteEnd } from '@aiopipe/core';
import { HANDLE, isHandle, type OwnedFd } from '@aiopipe/core/internal';

/** One of a child's first three descriptors. */
export type Stdio = 'inherit' | 'ignore' | 'pipe';

/** What a child's stdin, stdout and stderr are: one word for all, or each its own. */
export interface StdioOptions {
  /** `ignore` unless given: a child in a group of its own can't read from the terminal. */
  readonly stdin?: Stdio | ReadEnd | undefined;
  /** `inherit` unless given. */
  readonly stdout?: Stdio | WriteEnd | undefined;
  /** `inherit` unless given. */
  readonly stderr?: Stdio | WriteEnd | undefined;
}

/** Throws for what can't be one of a child's first three descriptors; nothing has moved then. */
export function checkStdio({ stdin, stdout, stderr }: StdioOptions): void {
  checkChoice('stdin', stdin, 'ReadEnd');
  checkChoice('stdout', stdout, 'WriteEnd');
  checkChoice('stderr', stderr, 'WriteEnd');
}

function checkChoice(name: string, choice: unknown, kind: string): void {
  if (choice === undefined || choice === 'inherit' || choice === 'ignore' || choice === 'pipe') return;
  // By the brand, not the class: it may be of another copy of @aiopipe/core. Asking throws for what isn't here any more.
  if (isHandle(choice) && choice[HANDLE]().pack().kind === kind) return;
  throw new TypeError(`${name}: expected 'inherit', 'ignore', 'pipe' or a ${kind}`);
}

/** The child's numbers and ours, what is ours to close once it has been started, and our ends of the pipes. */
export class PreparedStdio {
  readonly fds = new Map<number, number>();
  readonly #closeAfterStart: (() => void)[] = [];
  readonly #closeOnFailure: Disposable[] = [];
  stdin: PipeWriter | undefined;
  stdout: PipeReader | undefined;
  stderr: PipeReader | undefined;

  constructor(options: StdioOptions, destination: string) {
    try {
      this.#prepare(0, options.stdin ?? 'ignore', destination);
      this.#prepare(1, options.stdout ?? 'inherit', destination);
      this.#prepare(2, options.stderr ?? 'inherit', destination);
    } catch (error) {
      this.failed();
      throw error;
    }
  }

  #prepare(number: 0 | 1 | 2, choice: Stdio | ReadEnd | WriteEnd, destination: string): void {
    if (choice === 'inherit') {
      this.fds.set(number, number);
    } else if (choice === 'ignore') {
      const fd = openSync('/dev/null', number === 0 ? 'r' : 'w');
      this.#closeAfterStart.push(() => {
        closeSync(fd);
      });
      this.fds.set(number, fd);
    } else if (choice === 'pipe') {
      const [rx, tx] = aiopipe();
      this.#give(number, number === 0 ? rx : tx, destination);
      if (number === 0) this.stdin = this.#keep(tx.open());
      else if (number === 1) this.stdout = this.#keep(rx.open());
      else this.stderr = this.#keep(rx.open());
    } else {
      this.#give(number, choice, destination);
    }
  }

  #give(number: number, end: ReadEnd | WriteEnd, destination: string): void {
    const owned = end[HANDLE]().move(destination).fds[0] as OwnedFd;
    this.#closeAfterStart.push(() => {
      owned.close();
    });
    this.fds.set(number, owned.number);
  }

  #keep<Stream extends PipeReader | PipeWriter>(stream: Stream): Stream {
    this.#closeOnFailure.push({
      [Symbol.dispose]: () => {
        if ('destroy' in stream) stream.destroy();
        else stream[Symbol.dispose]();
      },
    });
    return stream;
  }

  /** Whatever the child got is the child's alone. */
  started(): void {
    for (const close of this.#closeAfterStart.splice(0)) close();
  }

  failed(): void {
    this.started();
    for (const stream of this.#closeOnFailure.splice(0)) stream[Symbol.dispose]();
  }
}
