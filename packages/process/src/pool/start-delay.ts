import { SystemError } from '@aiopipe/core';
import { Timer } from '@aiopipe/core/internal';
import { ChildError } from '../errors.js';
import { restartDelay } from '../supervisor/backoff.js';

/** The errors of a start that may succeed later: descriptors, processes or memory were short. */
const SHORTAGES = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'ENOBUFS', 'ETOOMANYREFS']);

/** Milliseconds between two starts: from `initial`, twice as long each time, up to `max`. */
const BACKOFF = { initial: 50, max: 1000 };

/** Returns whether a start failed because of a shortage. */
export function isShortage(error: unknown): boolean {
  const reason = error instanceof ChildError && error.code === 'ERR_AIOPIPE_START' ? error.cause : error;
  return reason instanceof SystemError && SHORTAGES.has(reason.code);
}

/** The wait after a start that failed because of a shortage. */
export class StartDelay {
  readonly #intensity: number;
  readonly #tryAgain: () => void;
  #timer: Timer | undefined;
  #holdsLoop = false;
  /** Failed starts in a row. */
  #failures = 0;
  /** The failed starts among them at which the pool had no worker. */
  #failuresAlone = 0;

  /** @param intensity - how many starts in a row may fail while the pool has no worker */
  constructor(intensity: number, tryAgain: () => void) {
    this.#intensity = intensity;
    this.#tryAgain = tryAgain;
  }

  /** Whether the wait runs: no worker may be started now. */
  get isWaiting(): boolean {
    return this.#timer !== undefined;
  }

  /** Begins the wait. Returns false if too many starts have failed. Starts that fail during a wait count once. */
  failed(hasWorkers: boolean): boolean {
    if (this.#timer !== undefined) return true;
    this.#failures++;
    this.#failuresAlone = hasWorkers ? 0 : this.#failuresAlone + 1;
    if (this.#failuresAlone > this.#intensity) return false;
    this.#timer = new Timer(
      () => {
        this.#timer = undefined;
        this.#tryAgain();
      },
      restartDelay(BACKOFF, this.#failures),
    );
    this.hold(this.#holdsLoop);
    return true;
  }

  /** A worker has started. */
  succeeded(): void {
    this.#failures = this.#failuresAlone = 0;
  }

  /** Sets whether the wait keeps this process alive. */
  hold(isHeld: boolean): void {
    this.#holdsLoop = isHeld;
    if (isHeld) this.#timer?.ref();
    else this.#timer?.unref();
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
