import { ClosedError, type WaitOptions } from '@aiopipe/core';
import {
  calledFrom,
  callSite,
  checkMayStart,
  handled,
  Pending,
  refuse,
  show,
  type CallSite,
} from '@aiopipe/core/internal';
import { type ChildError } from '../errors.js';
import { warnOf } from '../failure/unheard-failure.js';
import { refuseRecursion } from '../target/role.js';
import { type Control, type Launched } from './launch.js';
import { checkPreforkNames, readPreforkOptions, type PreforkOptions } from './prefork-options.js';
import { PreforkedChildren } from './preforked-children.js';
import { surroundingsKey, type Surroundings } from './surroundings.js';

export { type PreforkOptions } from './prefork-options.js';

/**
 * Counts of a {@link Prefork}.
 *
 * @see the example of {@link Prefork}
 */
export interface PreforkStats {
  /** Starts that took a child. */
  readonly warm: number;
  /** Starts that found no child with the same surroundings. */
  readonly cold: number;
  /** Children that wait to be taken. */
  readonly ready: number;
  /** Children that boot, or evaluate `preload`. */
  readonly starting: number;
  /** Children that ended before they were taken. */
  readonly lost: number;
}

const PREFORK = Symbol.for('@aiopipe/process.prefork');

/** Throws a TypeError for a value that is no prefork, or one of another copy of this package. */
export function checkPrefork(prefork: unknown): void {
  if (prefork === undefined || prefork instanceof Prefork) return;
  const isOfAnotherCopy = typeof prefork === 'object' && prefork !== null && PREFORK in prefork;
  throw new TypeError(
    isOfAnotherCopy
      ? 'prefork: it was made by another copy of @aiopipe/process; make it with the copy that starts the child'
      : `prefork: expected a Prefork, not ${show(prefork)}`,
  );
}

/**
 * Takes a child with these surroundings, and tells it what to do; returns undefined if none waits.
 *
 * @param order - the id of what `tell` puts
 * @param tell - what it throws is thrown, and that child is ended
 */
export let takeFrom: (
  prefork: Prefork,
  options: Surroundings & { readonly detached?: boolean | undefined },
  order: number,
  tell: (control: Control) => void,
) => Launched | undefined;

/** Starts missing children once `started` settles: a start takes processor time, and the child that was started comes first. */
export let refillAfter: (prefork: Prefork, started: Promise<void>) => void;

/**
 * Starts child processes before they are needed. `startProcess(target, { args, prefork })` takes a child that has booted, and
 * another one is started in its place.
 *
 * A child is taken if its `env`, `cwd`, `execArgv`, `limits` and stdio are those of the start; otherwise, and if none waits, the start
 * boots a new one. A child that was taken runs its one target and ends, as any other. The children that wait do not keep this
 * process alive, and do not outlive it. A child that has died is not taken. If it dies in the moment in which it is taken, it is
 * the child that you started: `result` rejects.
 *
 * @example
 * ```ts
 * import { isChild, Prefork, startProcess, target } from '@aiopipe/process';
 *
 * export const half = target(import.meta.url, 'half', (n: number) => n / 2);
 *
 * if (!isChild()) {
 *   await using prefork = new Prefork({ size: 1, preload: [half] });
 *   await prefork.ready();
 *   console.log(await startProcess(half, { args: [9], prefork }).result); // takes the child that waits
 *   console.log(prefork.stats.warm);
 * }
 * ```
 * ```text
 * 4.5
 * 1
 * ```
 */
export class Prefork implements AsyncDisposable {
  readonly #size: number;
  readonly #site: CallSite;
  readonly #children: PreforkedChildren;
  readonly #waiting = new Set<Pending<void>>();
  #warm = 0;
  #cold = 0;
  #closing: Promise<void> | undefined;
  /** Whether the program knows that the children cannot be prepared. */
  #isHeard = false;

  static {
    takeFrom = (prefork, ...order) => prefork.#take(...order);
    refillAfter = (prefork, started) => {
      const refill = () => {
        prefork.#children.refillSoon();
      };
      started.then(refill, refill);
    };
    // Other copies of this package know a prefork by it, to refuse it.
    Object.defineProperty(this.prototype, PREFORK, { value: true });
  }

  /** Starts the children, and returns at once. */
  constructor(options: PreforkOptions = {}) {
    checkPreforkNames(options);
    refuseRecursion('a prefork');
    checkMayStart(process.execPath);
    const settings = readPreforkOptions(options);
    this.#site = callSite(Prefork);
    this.#size = settings.size;
    this.#children = new PreforkedChildren(settings, {
      onReady: () => {
        this.#settle((pending) => {
          pending.resolve();
        });
      },
      onGivenUp: (reason) => {
        this.#fail(reason);
      },
    });
    this.#children.refill();
  }

  /** How many starts took a child, and how many children there are. */
  get stats(): PreforkStats {
    const { ready, count, lost } = this.#children;
    return { warm: this.#warm, cold: this.#cold, ready, starting: count - ready, lost };
  }

  /**
   * Resolves when `size` children wait; until then it keeps this process alive. Rejects with {@link ChildError} if children end
   * again and again before that, as they do if `preload` throws.
   */
  ready(options: WaitOptions = {}): Promise<void> {
    return handled(this.#whenReady(options));
  }

  async #whenReady(options: WaitOptions): Promise<void> {
    this.#assertOpen();
    const refusal = refuse(options, undefined, () => 'prefork: ready()');
    if (refusal !== undefined) throw refusal;
    if (this.#children.ready >= this.#size) return;
    this.#children.forgetLosses();
    const pending = new Pending<void>(
      options,
      () => `prefork: ${String(this.#children.ready)} of ${String(this.#size)} children were ready`,
      () => {
        this.#waiting.delete(pending);
        this.#hold();
      },
    );
    this.#waiting.add(pending);
    this.#hold();
    this.#children.refill();
    return pending.promise;
  }

  #take(
    options: Surroundings & { readonly detached?: boolean | undefined },
    order: number,
    tell: (control: Control) => void,
  ): Launched | undefined {
    this.#assertOpen();
    this.#children.forgetLosses();
    // A child that waits ends with this process: that cannot be changed, so it cannot be detached.
    const key = options.detached === true ? undefined : surroundingsKey(options);
    const launched = this.#children.take(key, order, tell);
    if (launched !== undefined) this.#warm++;
    else {
      this.#cold++;
      this.#children.dropOutdated();
    }
    return launched;
  }

  /** Reports that the prefork starts no more children until the next call. */
  #fail(reason: ChildError): void {
    const error = calledFrom(this.#site, reason);
    if (this.#waiting.size === 0) this.#warnOf(error);
    this.#isHeard = true;
    this.#settle((pending) => {
      pending.reject(error);
    });
  }

  /** Settles all calls of {@link ready} that wait. */
  #settle(settle: (pending: Pending<void>) => void): void {
    for (const pending of this.#waiting) settle(pending);
    this.#waiting.clear();
    this.#hold();
  }

  /** The program has no other sign of the failure: starts without a waiting child succeed, and are only slower. */
  #warnOf(error: ChildError): void {
    if (this.#isHeard) return;
    warnOf(
      'AIOPIPE_PREFORK_FAILED',
      error,
      'the prefork starts no more children; it tries again at the next startProcess() with this prefork, or the next ready()',
    );
  }

  /** Keeps this process alive while {@link ready} waits, and only then. */
  #hold(): void {
    this.#children.hold(this.#waiting.size > 0);
  }

  /** Ends the waiting children; children that were taken go on. Every later call throws ClosedError. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const ended = this.#children.close();
    this.#settle((pending) => {
      pending.reject(closedError());
    });
    await ended;
  }

  /** Calls {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }
}

function closedError(): ClosedError {
  return new ClosedError('the prefork is closed');
}
