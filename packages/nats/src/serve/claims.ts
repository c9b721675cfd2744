import { JetStreamApiCodes } from '@nats-io/jetstream';
import { handled } from '@aiopipe/core/internal';
import { nuid } from '@nats-io/transport-node';
import { codeOf, type Engine } from '../engine/engine.js';
import { type Names } from '../names.js';

/**
 * Says which tasks with `retries: 0` were begun. The id of such a task can be written once: a machine writes it before it runs
 * the task. So the task runs at most once, also if the server delivers it again.
 */
export class Claims {
  readonly #engine: Engine;
  readonly #names: Names;

  constructor(engine: Engine, names: Names) {
    this.#engine = engine;
    this.#names = names;
  }

  /** Resolves with the claim's number; with undefined if a machine has begun the task already. */
  async claim(id: string, machine: string): Promise<number | undefined> {
    const message = {
      subject: this.#names.claim(id),
      data: new TextEncoder().encode(machine),
      // The same claim may be sent again, if its answer was lost.
      id: `claim-${nuid.next()}`,
      isFirst: true,
    };
    try {
      return (await this.#engine.publish(message, `the claim of task ${id}`)).seq;
    } catch (error) {
      if (codeOf((error as Error).cause) === JetStreamApiCodes.StreamWrongLastSequence) return undefined;
      throw error;
    }
  }

  /** The task is settled: the claim is not needed any more. */
  release(sequence: number): void {
    if (this.#engine.isClosed) return;
    void handled(this.#engine.jsm.streams.deleteMessage(this.#names.claims, sequence, false));
  }

  /** Removes the claim that another machine has made. */
  async releaseOf(id: string): Promise<void> {
    const purge = () => this.#engine.jsm.streams.purge(this.#names.claims, { filter: this.#names.claim(id) });
    await handled(this.#engine.insist(purge, `the claim of task ${id}`));
  }
}
