import { now, Pending } from '@aiopipe/core/internal';
import { type Child } from './child.js';
import { type EventPublisher, type StartFailure } from './event-publisher.js';
import { asError, stoppedError } from './failures.js';
import { type Ending, type Life } from './life.js';
import { ProcessLife } from './process-life.js';
import { type Siblings } from '../sibling/siblings.js';
import { type SupervisorSpec } from './spec.js';

/** The parts of a supervisor that its {@link ChildRunner} uses. */
export interface RunnerOwner {
  /** The supervisor's name in messages. */
  readonly name: string;
  /** Aborted when the supervisor stops. */
  readonly stopping: AbortSignal;
  /** Starts a nested supervisor. */
  nest(spec: SupervisorSpec): Life;
  /** Returns the siblings of a process that is about to start. */
  siblingsOf(id: string): Siblings;
  /** A started child has ended, by itself or because it was shut down. */
  ended(child: Child, life: Life, ending: Ending): void;
}

/** Gives a child one life after another, and shuts it down. It decides nothing. */
export class ChildRunner {
  readonly #owner: RunnerOwner;
  readonly #events: EventPublisher;

  constructor(owner: RunnerOwner, events: EventPublisher) {
    this.#owner = owner;
    this.#events = events;
  }

  /** Starts a child, and publishes a success. If the start fails, nothing of it is left, and the caller must publish the failure. */
  async start(child: Child): Promise<StartFailure | undefined> {
    const { stopping } = this.#owner;
    child.cancelRestart();
    let life: Life | undefined;
    try {
      const { spec } = child;
      life =
        spec.type === 'supervisor' ? this.#owner.nest(spec) : new ProcessLife(spec, this.#owner.siblingsOf(spec.id));
      child.life = life;
      child.startedAt = undefined;
      await this.#unlessStopping(life.started);
    } catch (cause) {
      const error = asError(cause);
      // If its process was started, it is ended with the other children, in its turn.
      if (stopping.aborted) return { error, pid: undefined };
      await life?.shutDown();
      child.life = undefined;
      const failure = { error, pid: life?.pid };
      // The callers report a failed start, unless the supervisor was stopped while its process ended.
      if (stopping.aborted) this.#events.startFailed(child, failure, false);
      return failure;
    }
    this.#follow(child, life);
    return undefined;
  }

  async #unlessStopping(promise: Promise<unknown>): Promise<void> {
    const { name, stopping } = this.#owner;
    if (stopping.aborted) throw stoppedError(name);
    const pending = new Pending<void>({ signal: stopping });
    promise.then(
      () => {
        pending.resolve();
      },
      (error: unknown) => {
        pending.reject(error);
      },
    );
    await pending.promise;
  }

  #follow(child: Child, life: Life): void {
    child.startedAt = now();
    child.starts++;
    this.#events.started(child, life);
    void life.ended.then((ending) => {
      this.#owner.ended(child, life, ending);
    });
  }

  /**
   * Shuts a child down, if it runs, and publishes its end.
   *
   * @param isForRestart - whether it is to be started again. If the supervisor is stopped meanwhile, its event says that it is not.
   */
  async shutDown(child: Child, isForRestart: boolean): Promise<void> {
    child.cancelRestart();
    const { life } = child;
    if (life === undefined) return;
    await life.shutDown();
    const ending = await life.ended;
    child.life = undefined;
    const willRestart = isForRestart && !this.#owner.stopping.aborted;
    if (child.startedAt !== undefined) {
      this.#events.exited(child, life, ending, willRestart);
      return;
    }
    const error = ending.error ?? stoppedError(this.#owner.name);
    this.#events.startFailed(child, { error, pid: life.pid }, willRestart);
  }
}
