import { ClosedError, type WaitOptions } from '@aiopipe/core';
import {
  handled,
  calledFrom,
  callSite,
  checkCount,
  checkOptions,
  optionNames,
  Pending,
  refuse,
  setTimeout,
  show,
  type CallSite,
} from '@aiopipe/core/internal';
import { type ChildError } from '../errors.js';
import { warnOf } from '../failure/unheard-failure.js';
import { refuseRecursion } from '../target/role.js';
import { isTarget, type AnyTarget } from '../target/target.js';
import { type Control, type Launched } from './launch.js';
import { preparationError, PreforkedChild } from './preforked-child.js';
import { type StdioOptions } from './stdio.js';
import { checkSurroundings, surroundingsKey, type Surroundings } from './surroundings.js';

/** Options of {@link Prefork}: the number and the surroundings of its children. */
export interface PreforkOptions extends Omit<Surroundings, keyof StdioOptions> {
  /** How many children wait; 1 by default, 1024 at most. */
  readonly size?: number | undefined;
  /** Modules that the children evaluate before they are taken: those of targets, or others by their URL. */
  readonly preload?: readonly (AnyTarget | URL)[] | undefined;
  /** `'ignore'` by default. */
  readonly stdin?: 'ignore' | 'inherit' | undefined;
  /** `'inherit'` by default. */
  readonly stdout?: 'ignore' | 'inherit' | undefined;
  /** `'inherit'` by default. */
  readonly stderr?: 'ignore' | 'inherit' | undefined;
}

const OPTIONS = optionNames<PreforkOptions>({
  size: true,
  preload: true,
  stdin: true,
  stdout: true,
  stderr: true,
  env: true,
  cwd: true,
  execArgv: true,
});

/** As of a pool's workers: more come from a mistake. */
const MOST_CHILDREN = 1024;

/** Milliseconds between a start that took a child and the start of the next one: the child that was taken answers first. */
const HEAD_START = 10;

/** Counts of a {@link Prefork}. */
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
 * A child is taken if its `env`, `cwd`, `execArgv` and stdio are those of the start; otherwise, and if none waits, the start
 * boots a new one. A child that was taken runs its one target and ends, as any other. The children that wait do not keep this
 * process alive, and do not outlive it. A child that has died is not taken. If it dies in the moment in which it is taken, it is
 * the child that you started: `result` rejects.
 *
 * ```ts
 * await using prefork = new Prefork({ size: 2, preload: [hash] });
 * const child = startProcess(hash, { args: [file], prefork });
 * ```
 */
export class Prefork implements AsyncDisposable {
  readonly #size: number;
  readonly #surroundings: Surroundings;
  readonly #preload: readonly string[];
  readonly #site: CallSite;
  /** In the order of their starts. */
  readonly #children = new Set<PreforkedChild>();
  readonly #waiting = new Set<Pending<void>>();
  #warm = 0;
  #cold = 0;
  #lost = 0;
  /** How many children were lost since the last start. */
  #lostInARow = 0;
  /** Why the first of those was lost, if that is known. */
  #reason: ChildError | undefined;
  #closing: Promise<void> | undefined;
  #refillTimer: NodeJS.Timeout | undefined;
  /** Whether the program knows that the children cannot be prepared. */
  #isHeard = false;

  static {
    takeFrom = (prefork, ...order) => prefork.#take(...order);
    refillAfter = (prefork, started) => {
      const refill = () => {
        prefork.#refillSoon();
      };
      started.then(refill, refill);
    };
    // Other copies of this package know a prefork by it, to refuse it.
    Object.defineProperty(this.prototype, PREFORK, { value: true });
  }

  /** Starts the children, and returns at once. */
  constructor(options: PreforkOptions = {}) {
    checkOptions(options, OPTIONS);
    refuseRecursion('a prefork');
    const { size = 1, preload = [], ...surroundings } = options;
    checkCount('size', size, { least: 1, most: MOST_CHILDREN, of: 'children' });
    if (!Array.isArray(preload)) throw new TypeError(`preload: expected an array, not ${show(preload)}`);
    checkSurroundings(surroundings);
    if (surroundingsKey(surroundings) === undefined) {
      throw new TypeError(
        "stdin, stdout, stderr: expected 'ignore' or 'inherit', because children cannot share a pipe",
      );
    }
    this.#site = callSite(Prefork);
    this.#size = size;
    this.#surroundings = surroundings;
    this.#preload = preload.map(urlOf);
    this.#refill();
  }

  /** How many starts took a child, and how many children there are. */
  get stats(): PreforkStats {
    const ready = this.#idle().length;
    return {
      warm: this.#warm,
      cold: this.#cold,
      ready,
      starting: this.#children.size - ready,
      lost: this.#lost,
    };
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
    if (this.#idle().length >= this.#size) return;
    this.#forgetLosses();
    const pending = new Pending<void>(
      options,
      () => `prefork: ${String(this.#idle().length)} of ${String(this.#size)} children were ready`,
      () => {
        this.#waiting.delete(pending);
        this.#hold();
      },
    );
    this.#waiting.add(pending);
    this.#hold();
    this.#refill();
    return pending.promise;
  }

  #take(
    options: Surroundings & { readonly detached?: boolean | undefined },
    order: number,
    tell: (control: Control) => void,
  ): Launched | undefined {
    this.#assertOpen();
    this.#forgetLosses();
    // A child that waits ends with this process: that cannot be changed, so it cannot be detached.
    const key = options.detached === true ? undefined : surroundingsKey(options);
    for (const child of this.#idle()) {
      if (child.key !== key) continue;
      const launched = child.take(order, tell);
      if (launched === undefined) continue;
      this.#children.delete(child);
      this.#warm++;
      return launched;
    }
    this.#cold++;
    this.#dropOutdated();
    return undefined;
  }

  #idle(): PreforkedChild[] {
    return [...this.#children].filter((child) => child.isIdle);
  }

  /** Ends the children whose surroundings a start would not have now: `process.env` has changed since, say. */
  #dropOutdated(): void {
    const key = surroundingsKey(this.#surroundings);
    for (const child of this.#idle()) if (child.key !== key) this.#end(child);
  }

  #refillSoon(): void {
    if (this.#refillTimer !== undefined) return;
    this.#refillTimer = setTimeout(() => {
      this.#refillTimer = undefined;
      this.#refill();
    }, HEAD_START);
    this.#hold();
  }

  /** If children end by themselves, over and over, only the next call starts more. */
  #refill(): void {
    while (this.#closing === undefined && this.#lostInARow <= this.#size && this.#children.size < this.#size) {
      this.#start();
    }
    if (this.#lostInARow <= this.#size || this.#closing !== undefined) return;
    const error = calledFrom(this.#site, this.#reason ?? preparationError('it ended before it was ready'));
    if (this.#waiting.size === 0) this.#warnOf(error);
    this.#isHeard = true;
    for (const pending of this.#waiting) pending.reject(error);
    this.#waiting.clear();
  }

  /** A start that fails has no caller: the next startProcess() finds no child, and {@link ready} rejects. */
  #start(): void {
    try {
      this.#children.add(
        new PreforkedChild(this.#surroundings, this.#preload, {
          onIdle: () => {
            this.#onIdle();
          },
          onLost: (child, reason) => {
            this.#children.delete(child);
            this.#countLoss(reason);
            this.#refillSoon();
          },
        }),
      );
    } catch (error) {
      this.#countLoss(preparationError(error));
    }
    this.#hold();
  }

  #onIdle(): void {
    if (this.#idle().length < this.#size) return;
    for (const pending of this.#waiting) pending.resolve();
    this.#waiting.clear();
  }

  #countLoss(reason: ChildError | undefined): void {
    this.#lost++;
    this.#lostInARow++;
    this.#reason ??= reason;
  }

  #forgetLosses(): void {
    this.#lostInARow = 0;
    this.#reason = undefined;
  }

  /** Without children starts go on, more slowly: nothing else would tell the program. */
  #warnOf(error: ChildError): void {
    if (this.#isHeard) return;
    warnOf(
      'AIOPIPE_PREFORK_FAILED',
      error,
      'the prefork starts no more children until the next call of startProcess()',
    );
  }

  /** Keeps this process alive while {@link ready} waits, and only then. */
  #hold(): void {
    const holds = this.#waiting.size > 0;
    for (const child of this.#children) child.holdLoop(holds);
    if (holds) this.#refillTimer?.ref();
    else this.#refillTimer?.unref();
  }

  #end(child: PreforkedChild): void {
    this.#children.delete(child);
    child.end();
  }

  /** Ends the waiting children; children that were taken go on. Every later call throws ClosedError. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const children = [...this.#children];
    for (const child of children) this.#end(child);
    for (const pending of this.#waiting) pending.reject(closedError());
    this.#waiting.clear();
    for (const child of children) await child.exited();
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

function urlOf(what: unknown): string {
  if (isTarget(what)) return what.url;
  if (what instanceof URL) return what.href;
  throw new TypeError(`preload: expected targets or modules' URLs, not ${show(what)}`);
}
