import { reasonOf } from '@aiopipe/core/internal';
import { ChildError } from '../errors.js';
import { Conversation } from '../control/conversation.js';
import { deserializeError } from '../control/received-error.js';
import { newOrderId, PROTOCOL, type Preparation } from '../control/protocol.js';
import { hasEnded, send } from '../control/send.js';
import { howItEnded } from './child-outcome.js';
import { killUnlessEnding, launch, LaunchFailure, type Control, type Launched } from './launch.js';
import { placeOf } from './start-directory.js';
import { surroundingsKey, type Surroundings } from './surroundings.js';

/** The events of a {@link PreforkedChild} for its prefork. Each comes at most once. */
export interface PreforkedChildEvents {
  onIdle(): void;
  /** The child is ended. `reason` is why it could not get ready, if that is known. */
  onLost(child: PreforkedChild, reason: ChildError | undefined): void;
}

/** A child that boots before it is needed, evaluates modules, and waits until it is taken. */
export class PreforkedChild {
  /** The key of its surroundings: a start with the same key can take the child. */
  readonly key: string;
  readonly #launched: Launched;
  readonly #events: PreforkedChildEvents;
  #state: 'starting' | 'idle' | 'taken' | 'ended' = 'starting';
  #reason: ChildError | undefined;

  /** Throws what made the start fail. */
  constructor(surroundings: Surroundings, preload: readonly string[], events: PreforkedChildEvents) {
    this.key = surroundingsKey(surroundings) as string;
    this.#events = events;
    const preparation: Preparation = {
      protocol: PROTOCOL,
      id: newOrderId(),
      cwd: placeOf(surroundings).cwd,
      preload,
    };
    const tell = (control: Control) => {
      send(control, preparation, (error) => {
        // The receive that waits fails, too, and ends the child.
        this.#reason = preparationError(error);
      });
    };
    // It makes no pipes, so no call of the user's is named.
    const launched = launch(
      'prefork',
      surroundings,
      new Conversation(preparation.id, true),
      tell,
      0,
      PreforkedChild as never,
      'prefork',
    );
    if (launched instanceof LaunchFailure) throw launched.cause;
    this.#launched = launched;
    launched.program.unref();
    void this.#follow();
    void launched.program.exited.then((exit) => {
      this.#lose(preparationError(`it ended ${howItEnded(exit, false, surroundings.limits)}`));
    });
  }

  async #follow(): Promise<void> {
    const { control, program } = this.#launched;
    try {
      await control.drain();
      await this.#listenUntilIdle();
    } catch (error) {
      // The exit tells how it ended, unless the child goes on without its channel.
      if (hasEnded(error)) killUnlessEnding(program);
      else this.#lose(preparationError(error));
      return;
    }
    if (this.#state !== 'starting') return;
    this.#state = 'idle';
    control.unref();
    this.#events.onIdle();
  }

  async #listenUntilIdle(): Promise<void> {
    for (;;) {
      const message = await this.#launched.control.get();
      if (message.kind === 'idle') return;
      if ('error' in message) this.#reason = preparationError(deserializeError(message.error));
      // After `uncaught` it may go on: its preload may handle what nothing caught.
      if (message.kind === 'no-start') throw this.#reason as ChildError;
    }
  }

  get isIdle(): boolean {
    return this.#state === 'idle';
  }

  /**
   * Hands the child over to the caller, who owns it from now on; returns undefined if it is lost.
   *
   * @param order - the id of what `tell` puts
   * @param tell - what it throws is thrown, and the child is lost
   */
  take(order: number, tell: (control: Control) => void): Launched | undefined {
    const launched = this.#launched;
    if (!this.#isSilent()) return undefined;
    try {
      launched.conversation.ordered(order);
      tell(launched.control);
    } catch (error) {
      this.#lose();
      throw error;
    }
    this.#state = 'taken';
    launched.program.ref();
    launched.control.ref();
    return launched;
  }

  /** A waiting child that sent a message, or whose channel ended, is lost, even if its exit is not known yet. */
  #isSilent(): boolean {
    try {
      if (this.#launched.control.tryGet() === undefined) return true;
    } catch {
      // The channel has ended, or the child said what it may not say.
    }
    this.#lose();
    return false;
  }

  /** While it starts, keeps this process alive or not. */
  holdLoop(holds: boolean): void {
    if (this.#state !== 'starting') return;
    if (holds) this.#launched.control.ref();
    else this.#launched.control.unref();
  }

  #lose(reason?: ChildError): void {
    if (this.#state === 'taken' || this.#state === 'ended') return;
    this.end();
    this.#events.onLost(this, this.#reason ?? reason);
  }

  /** Kills the child. */
  end(): void {
    this.#state = 'ended';
    this.#launched.program.killGroup('SIGKILL');
    this.#launched.control[Symbol.dispose]();
  }

  /** Resolves when the process has ended; the promise keeps this process alive. */
  async exited(): Promise<void> {
    this.#launched.program.ref();
    await this.#launched.program.exited;
  }
}

/** Why a child could not get ready: `cause` is an error, or text that says it. */
export function preparationError(cause: unknown): ChildError {
  const reason = typeof cause === 'string' ? cause : reasonOf(cause);
  return new ChildError('ERR_AIOPIPE_START', `a child of a prefork failed before it was ready: ${reason}`, { cause });
}
