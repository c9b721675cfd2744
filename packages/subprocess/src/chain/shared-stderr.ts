import { ProgramFds } from '../program/fds.js';
import { type Slot, type StderrOption } from '../program/stdio.js';
import { Tail } from '../io/tail.js';

/** One stderr for all programs of a chain: one descriptor, so that they keep their order, or don't overwrite each other. */
export class SharedStderr {
  /** What each program gets. */
  readonly spec: Slot['spec'];
  readonly tail: Tail | undefined;
  readonly #fds: ProgramFds | undefined;

  /** @param chain - as it is named in messages */
  constructor(option: StderrOption | 'shared', chain: string) {
    // Of these every program can have its own, to the same effect.
    if (option === 'pipe' || option === 'inherit' || option === 'ignore' || option === 'stdout') {
      this.spec = option;
      return;
    }
    const spec = option === 'shared' ? 'pipe' : option;
    this.#fds = new ProgramFds([{ fd: 2, name: 'stderr', spec }], chain, SharedStderr as never);
    this.spec = this.#fds.map.get(2) as number;
    this.tail = this.#fds.stderr && new Tail(this.#fds.stderr);
  }

  /** All programs have their copies. */
  started(): void {
    this.#fds?.closeTheirs();
  }

  close(): void {
    this.started();
    this.#fds?.giveBack();
    this.tail?.close();
  }
}
