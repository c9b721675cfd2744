import { type StderrOption } from '@aiopipe/core';
import { StdioFds, type Slot } from '@aiopipe/core/internal';
import { Tail } from '../io/tail.js';

/** One stderr for all programs of a chain: one descriptor, which keeps their order, or keeps them from overwriting each other. */
export class SharedStderr {
  /** The descriptor that each program gets. */
  readonly spec: Slot['spec'];
  readonly tail: Tail | undefined;
  readonly #fds: StdioFds | undefined;

  /** @param chain - names the chain in messages */
  constructor(option: StderrOption | 'shared', chain: string) {
    // With these, every program has its own, to the same effect.
    if (option === 'pipe' || option === 'inherit' || option === 'ignore' || option === 'stdout') {
      this.spec = option;
      return;
    }
    const spec = option === 'shared' ? 'pipe' : option;
    const receiver = { name: chain, needsBlocking: true, maker: SharedStderr as never };
    this.#fds = new StdioFds([{ fd: 2, name: 'stderr', spec }], receiver).prepare();
    this.spec = this.#fds.map.get(2) as number;
    this.tail = this.#fds.stderr && new Tail(this.#fds.stderr);
  }

  /** To be called when all programs have their copies. */
  started(): void {
    this.#fds?.started();
  }

  close(): void {
    this.started();
    this.#fds?.giveBack();
    this.tail?.close();
  }
}
