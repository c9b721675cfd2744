import { closeSync, openSync } from 'node:fs';
import { Encoder, Output } from '@aiopipe/codec/internal';
import { aiopipe, type PipeReader, type PipeWriter, type ReadEnd, type WriteEnd } from '@aiopipe/core';
import { HANDLE, isHandle, type OwnedFd } from '@aiopipe/core/internal';

/** One of a child's first three descriptors. */
export type Stdio = 'inherit' | 'ignore' | 'pipe';

/** What a child's stdin, stdout and stderr are: one word for all, or each its own. */
export interface StdioOptions {
  /** `ignore` unless given. With `inherit`, and if that is a terminal, the child stays in our process group: only so it can read it. */
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

/** Throws where a handle that is to be one of them is among what the child shall get otherwise, too: it can't be both. */
export function checkApart({ stdin, stdout, stderr }: StdioOptions, args: readonly unknown[]): void {
  const ends = Object.entries({ stdin, stdout, stderr }).filter(([, choice]) => isHandle(choice));
  if (ends.length === 0) return;
  // Who else would know what an encoder finds in there?
  new Encoder().encodeInto(new Output(), args, {
    isHandle,
    add: (handle) => {
      const [name] = ends.find(([, end]) => end === handle) ?? [];
      if (name === undefined) return 0;
      throw new TypeError(`${name}: this end is in args, too; it can move only once`);
    },
  });
}

/** The child's numbers and ours, what is ours to close once it has been started, and our ends of the pipes. */
export class PreparedStdio {
  readonly fds = new Map<number, number>();
  /** Of the caller. */
  readonly #given = new Set<ReadEnd | WriteEnd>();
  readonly #closeAfterStart: (() => void)[] = [];
  readonly #closeOnFailure: Disposable[] = [];
  stdin: PipeWriter | undefined;
  stdout: PipeReader | undefined;
  stderr: PipeReader | undefined;

  /** Opens what has to be; what was given stays where it is, until {@link move}. */
  constructor(options: StdioOptions) {
    try {
      this.#prepare(0, options.stdin ?? 'ignore');
      this.#prepare(1, options.stdout ?? 'inherit');
      this.#prepare(2, options.stderr ?? 'inherit');
    } catch (error) {
      this.failed();
      throw error;
    }
  }

  #prepare(number: 0 | 1 | 2, choice: Stdio | ReadEnd | WriteEnd): void {
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
      const theirs = number === 0 ? rx : tx;
      this.#closeAfterStart.push(() => {
        theirs.close();
      });
      this.fds.set(number, theirs.fd);
      if (number === 0) this.stdin = this.#keep(tx.open());
      else if (number === 1) this.stdout = this.#keep(rx.open());
      else this.stderr = this.#keep(rx.open());
    } else {
      const [owned] = choice[HANDLE]().pack().fds;
      this.fds.set(number, (owned as OwnedFd).number);
      this.#given.add(choice);
    }
  }

  /** Takes what was given: once, and for good. */
  move(destination: string): void {
    for (const end of this.#given) {
      const owned = end[HANDLE]().move(destination).fds[0] as OwnedFd;
      this.#closeAfterStart.push(() => {
        owned.close();
      });
    }
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
