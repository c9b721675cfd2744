import { clearTimeout, setTimeout } from '@aiopipe/core/internal';
import { type ChildError } from '../errors.js';
import { type Control, type Launched } from './launch.js';
import { type PreforkSettings } from './prefork-options.js';
import { preparationError, PreforkedChild } from './preforked-child.js';
import { surroundingsKey } from './surroundings.js';

/** Milliseconds between a start that took a child and the start of the next one: the child that was taken answers first. */
const HEAD_START = 10;

/** The events of {@link PreforkedChildren} for their prefork. */
export interface PreforkedChildrenEvents {
  /** The full number of children waits. */
  onReady(): void;
  /** Children ended repeatedly before they were ready: no more are started. */
  onGivenUp(reason: ChildError): void;
}

/** Keeps the full number of children waiting. */
export class PreforkedChildren {
  readonly #settings: PreforkSettings;
  readonly #events: PreforkedChildrenEvents;
  /** The children, in the order of their starts. */
  readonly #children = new Set<PreforkedChild>();
  #lost = 0;
  /** How many children were lost since {@link forgetLosses}. */
  #lostInARow = 0;
  /** Why the first of those was lost, if that is known. */
  #reason: ChildError | undefined;
  #refillTimer: NodeJS.Timeout | undefined;
  #isHeld = false;
  #isClosed = false;

  /** Starts no child before {@link refill}. */
  constructor(settings: PreforkSettings, events: PreforkedChildrenEvents) {
    this.#settings = settings;
    this.#events = events;
  }

  get #idle(): PreforkedChild[] {
    return [...this.#children].filter((child) => child.isIdle);
  }

  /** How many children wait to be taken. */
  get ready(): number {
    return this.#idle.length;
  }

  /** The number of children, whether they wait already or not. */
  get count(): number {
    return this.#children.size;
  }

  /** How many children ended before they were taken. */
  get lost(): number {
    return this.#lost;
  }

  /**
   * Takes a child with these surroundings, and tells it what to do; returns undefined if none waits.
   *
   * @param order - the id of the message that `tell` puts
   * @param tell - if it throws, the child is ended and `take()` throws the same
   */
  take(key: string | undefined, order: number, tell: (control: Control) => void): Launched | undefined {
    for (const child of this.#idle) {
      if (child.key !== key) continue;
      const launched = child.take(order, tell);
      if (launched === undefined) continue;
      this.#children.delete(child);
      return launched;
    }
    return undefined;
  }

  /** Ends the children whose surroundings differ from those of a start now, because `process.env` has changed, say. */
  dropOutdated(): void {
    const key = surroundingsKey(this.#settings.surroundings);
    for (const child of this.#idle) {
      if (child.key === key) continue;
      this.#children.delete(child);
      child.end();
    }
  }

  refillSoon(): void {
    if (this.#refillTimer !== undefined) return;
    this.#refillTimer = setTimeout(() => {
      this.#refillTimer = undefined;
      this.refill();
    }, HEAD_START);
    this.#applyHold();
  }

  /** Starts the missing children. */
  refill(): void {
    if (this.#isClosed) return;
    const { size } = this.#settings;
    while (this.#lostInARow <= size && this.#children.size < size) this.#start();
    if (this.#lostInARow > size)
      this.#events.onGivenUp(this.#reason ?? preparationError('it ended before it was ready'));
  }

  /** A start that fails has no caller: the next startProcess() finds no child. */
  #start(): void {
    const { surroundings, preload, size } = this.#settings;
    try {
      this.#children.add(
        new PreforkedChild(surroundings, preload, {
          onIdle: () => {
            if (this.ready >= size) this.#events.onReady();
          },
          onLost: (child, reason) => {
            this.#children.delete(child);
            this.#countLoss(reason);
            this.refillSoon();
          },
        }),
      );
    } catch (error) {
      this.#countLoss(preparationError(error));
    }
    this.#applyHold();
  }

  #countLoss(reason: ChildError | undefined): void {
    this.#lost++;
    this.#lostInARow++;
    this.#reason ??= reason;
  }

  /** Forgets the lost children, so that {@link refill} can start others. */
  forgetLosses(): void {
    this.#lostInARow = 0;
    this.#reason = undefined;
  }

  /** Sets whether children that are not ready keep this process alive. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#applyHold();
  }

  #applyHold(): void {
    for (const child of this.#children) child.holdLoop(this.#isHeld);
    if (this.#isHeld) this.#refillTimer?.ref();
    else this.#refillTimer?.unref();
  }

  /** Ends all children, and starts no more. Resolves when their processes have ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#refillTimer);
    const children = [...this.#children];
    this.#children.clear();
    for (const child of children) child.end();
    for (const child of children) await child.exited();
  }
}
