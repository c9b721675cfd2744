import { handled, now } from '@aiopipe/core/internal';
import { type ExitReason, type NestedSupervisor } from './interface.js';
import { type Ending, type Life } from './life.js';

/** The calls on a nested supervisor that only the outer supervisor may make. */
export interface NestedControl {
  start(): Promise<unknown>;
  stop(): Promise<void>;
  readonly finished: Promise<void>;
  readonly isStopping: boolean;
}

/** The life of a nested supervisor. */
export class NestedLife implements Life {
  readonly process = undefined;
  readonly pid = undefined;
  readonly started: Promise<unknown>;
  readonly ended: Promise<Ending>;
  readonly #control: NestedControl;
  #reason: ExitReason = 'exit';

  constructor(
    readonly supervisor: NestedSupervisor,
    control: NestedControl,
  ) {
    this.#control = control;
    this.started = handled(control.start());
    this.ended = this.#follow();
  }

  async #follow(): Promise<Ending> {
    const error = await this.#control.finished.then(
      () => undefined,
      (reason: unknown) => reason as Error,
    );
    return { exitCode: null, signalCode: null, reason: this.#reason, error, at: now() };
  }

  async shutDown(): Promise<void> {
    if (!this.#control.isStopping) this.#reason = 'shutdown';
    await this.#control.stop();
  }
}
