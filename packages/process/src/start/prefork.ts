import { ClosedError, type WaitOptions } from '@aiopipe/core';
import { checkOptions, optionNames, Pending, refuse, setTimeout, show } from '@aiopipe/core/internal';
import { Conversation } from './conversation.js';
import { reasonOf } from './describe.js';
import { ChildError } from '../errors.js';
import { howItEnded } from './failure.js';
import { killUnlessEnding, launch, LaunchFailure, surroundingsKey, type Control, type Launched } from './launch.js';
import { unheard } from './outcome.js';
import { placeOf } from './place.js';
import { deserializeError } from './portable-error.js';
import { newOrderId, PROTOCOL, type Preparation } from './protocol.js';
import { nextDepth, refuseRecursion } from './role.js';
import { hasEnded, send } from './send.js';
import { type StdioOptions } from './stdio.js';
import { checkSurroundings, type Surroundings } from './surroundings.js';
import { isTarget, type AnyTarget } from './target.js';
import { warnOf } from './unheard-failure.js';

/** How children are started before they are needed. */
export interface PreforkOptions extends Omit<Surroundings, keyof StdioOptions> {
  /** How many wait. 1 unless given. */
  readonly size?: number | undefined;
  /** What they evaluate while they wait: targets' modules, or others by their URL. */
  readonly preload?: readonly (AnyTarget | URL)[] | undefined;
  readonly stdin?: 'ignore' | 'inherit' | undefined;
  readonly stdout?: 'ignore' | 'inherit' | undefined;
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

/** Milliseconds that a child which was taken has for itself: a start holds us up for some, just when it may answer. */
const HEAD_START = 10;

/** What a {@link Prefork} has done and has. */
export interface PreforkStats {
  /** Starts that took a child which was there. */
  readonly warm: number;
  /** Starts that none was there for, or none with the same surroundings. */
  readonly cold: number;
  /** Children that wait. */
  readonly ready: number;
  /** Children that are on their way to that. */
  readonly starting: number;
  /** Children that ended before they were taken. */
  readonly lost: number;
}

const PREFORK = Symbol.for('@aiopipe/process.prefork');

/** Throws TypeError for what is no prefork, or one that knows another copy of this package's children. */
export function checkPrefork(prefork: unknown): void {
  if (prefork === undefined || prefork instanceof Prefork) return;
  const isOfAnotherCopy = typeof prefork === 'object' && prefork !== null && PREFORK in prefork;
  throw new TypeError(
    isOfAnotherCopy
      ? 'prefork: it is of another copy of @aiopipe/process; make it by the copy that startProcess() is of'
      : `prefork: expected a Prefork, not ${show(prefork)}`,
  );
}

/** One child that nobody has taken yet. */
interface Spare extends Launched {
  /** Of its {@link Surroundings}. */
  readonly key: string;
}

/**
 * Children that are started before they are needed: `startProcess(target, { args, prefork })` takes one that has booted
 * already, and another is started in its place. It is used where `env`, `cwd`, `execArgv` and stdio are the same as they
 * were at its start; otherwise, and where none is there, a child is started as always. One that is taken runs its one
 * target and ends, as any other child. None of those that wait keeps this process alive, or outlives it. One that has died
 * is not taken; but one that dies in the moment in which it is taken is the child that you started: it can't be told
 * whether whoever killed it knew that already, so no other is started for it.
 *
 * ```ts
 * await using prefork = new Prefork({ size: 2, preload: [hash] });
 * const child = startProcess(hash, { args: [file], prefork });
 * ```
 */
export class Prefork implements AsyncDisposable {
  /** @internal Known by its name to other copies of the package, which can't use it. */
  readonly [PREFORK] = true;
  readonly #size: number;
  readonly #surroundings: Surroundings;
  readonly #preload: readonly string[];
  /** In the order of their starts. */
  readonly #starting = new Set<Spare>();
  readonly #idle = new Set<Spare>();
  readonly #waiting = new Set<Pending<void>>();
  #warm = 0;
  #cold = 0;
  #lost = 0;
  /** Of those that ended before they were taken, how many did since the last start. */
  #lostInARow = 0;
  /** Why those in a row were lost, or the first that is known. */
  #lastError: ChildError | undefined;
  #closing: Promise<void> | undefined;
  #refillTimer: NodeJS.Timeout | undefined;
  /** Somebody was told that its children can't get ready. */
  #isHeard = false;

  /** Starts the children, and returns at once. */
  constructor(options: PreforkOptions = {}) {
    checkOptions(options, OPTIONS);
    refuseRecursion('a prefork');
    const { size = 1, preload = [], ...surroundings } = options;
    if (!Number.isInteger(size) || size < 1) {
      throw new TypeError(`size: expected a number of children, not ${show(size)}`);
    }
    if (!Array.isArray(preload)) throw new TypeError(`preload: expected an array, not ${show(preload)}`);
    checkSurroundings(surroundings);
    if (surroundingsKey(surroundings) === undefined) {
      throw new TypeError("stdin, stdout, stderr: expected 'ignore' or 'inherit': a pipe is one start's alone");
    }
    this.#size = size;
    this.#surroundings = surroundings;
    this.#preload = preload.map(urlOf);
    this.#refill();
  }

  get stats(): PreforkStats {
    return {
      warm: this.#warm,
      cold: this.#cold,
      ready: this.#idle.size,
      starting: this.#starting.size,
      lost: this.#lost,
    };
  }

  /**
   * Resolves when as many children wait as shall; until then it keeps this process alive. Rejects {@link ChildError} where
   * they end before that again and again, as those do whose `preload` throws.
   */
  ready(options: WaitOptions = {}): Promise<void> {
    return unheard(this.#whenReady(options));
  }

  async #whenReady(options: WaitOptions): Promise<void> {
    this.#assertOpen();
    const refusal = refuse(options);
    if (refusal !== undefined) throw refusal;
    if (this.#idle.size >= this.#size) return;
    this.#lostInARow = 0;
    this.#lastError = undefined;
    const pending = new Pending<void>(
      options,
      () => `${String(this.#idle.size)} of ${String(this.#size)} children were ready`,
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

  /**
   * A child with these surroundings that has been told what to do, if there is one.
   *
   * @param order - the id of what `tell` tells
   * @param tell - what it throws is thrown, and that child is lost
   * @internal
   */
  take(
    options: Surroundings & { readonly detached?: boolean | undefined },
    order: number,
    tell: (control: Control) => void,
  ): Launched | undefined {
    this.#assertOpen();
    this.#lostInARow = 0;
    // The lifeline of those that wait is tied already: none of them can outlive us.
    const key = options.detached === true ? undefined : surroundingsKey(options);
    for (const spare of this.#idle) {
      if (spare.key !== key) continue;
      if (!this.#isStillIdle(spare)) continue;
      this.#idle.delete(spare);
      try {
        spare.conversation.ordered(order);
        tell(spare.control);
      } catch (error) {
        this.#lose(spare);
        throw error;
      }
      spare.program.ref();
      spare.control.ref();
      this.#warm++;
      return spare;
    }
    this.#cold++;
    this.#dropOutdated();
    return undefined;
  }

  /** One that has said something meanwhile, or whose channel has ended, is lost: its end may not have been told yet. */
  #isStillIdle(spare: Spare): boolean {
    try {
      if (spare.control.tryGet() === undefined) return true;
    } catch {
      // It is closed, or what was said can't be taken.
    }
    this.#lose(spare);
    return false;
  }

  /** Those whose surroundings are not what a child of ours would get now: `process.env` has changed since, say. */
  #dropOutdated(): void {
    const key = surroundingsKey(this.#surroundings);
    for (const spare of this.#idle) if (spare.key !== key) this.#end(spare);
  }

  /**
   * Once a child that was started has begun, or has failed to: starting another one takes processor time, and that one
   * comes first. @internal
   */
  refillAfter(started: Promise<void>): void {
    const refill = () => {
      this.#refillSoon();
    };
    started.then(refill, refill);
  }

  #refillSoon(): void {
    if (this.#refillTimer !== undefined) return;
    this.#refillTimer = setTimeout(() => {
      this.#refillTimer = undefined;
      this.#refill();
    }, HEAD_START);
    this.#hold();
  }

  /** Where they end by themselves, over and over, only the next call starts more. */
  #refill(): void {
    while (
      this.#closing === undefined &&
      this.#lostInARow <= this.#size &&
      this.#idle.size + this.#starting.size < this.#size
    ) {
      this.#start();
    }
    if (this.#lostInARow <= this.#size || this.#closing !== undefined) return;
    const error = this.#lastError ?? failure('it ended before that');
    if (this.#waiting.size === 0) this.#warnOf(error);
    this.#isHeard = true;
    for (const pending of this.#waiting) pending.reject(error);
    this.#waiting.clear();
  }

  #start(): void {
    const spare = this.#launch();
    if (spare === undefined) return;
    this.#starting.add(spare);
    spare.program.unref();
    this.#hold();
    void this.#follow(spare);
  }

  /** Starts go on without it, only more slowly: nothing else would tell. */
  #warnOf(error: ChildError): void {
    if (!this.#isHeard)
      warnOf('AIOPIPE_PREFORK_FAILED', error, 'no more are started until the next call of startProcess()');
  }

  /** No caller is there to be told of a failure: a start finds none waiting, and {@link ready} rejects. */
  #launch(): Spare | undefined {
    const key = surroundingsKey(this.#surroundings) as string;
    const preparation: Preparation = {
      protocol: PROTOCOL,
      id: newOrderId(),
      depth: nextDepth(),
      cwd: placeOf(this.#surroundings).cwd,
      preload: this.#preload,
    };
    try {
      const tell = (control: Control) => {
        send(control, preparation, (error) => {
          // What stands in the way of one is told of by its control channel, too: see #follow().
          this.#lastError = failure(error);
        });
      };
      const launched = launch(
        'spare',
        this.#surroundings,
        new Conversation(preparation.id, true),
        tell,
        0,
        Prefork as never,
      );
      if (!(launched instanceof LaunchFailure)) return { ...launched, key };
      this.#fail(launched.cause);
    } catch (error) {
      this.#fail(error);
    }
    return undefined;
  }

  async #follow(spare: Spare): Promise<void> {
    void spare.program.exited.then((exit) => {
      // Unless it was taken, or we ended it.
      if (!this.#idle.has(spare) && !this.#starting.has(spare)) return;
      this.#lastError ??= failure(`it ended ${howItEnded(exit, false)}`);
      this.#lose(spare);
    });
    try {
      await spare.control.drain();
      for (;;) {
        const message = await spare.control.get();
        if (message.kind === 'idle') break;
        if ('error' in message) this.#lastError = failure(deserializeError(message.error));
        // Its preload may handle what nobody caught, and go on.
        if (message.kind === 'no-start') throw this.#lastError as ChildError;
      }
    } catch (error) {
      if (hasEnded(error)) {
        // How it ended is told in a moment, unless it goes on without its channel.
        killUnlessEnding(spare.program);
        return;
      }
      if (!this.#starting.has(spare)) return;
      this.#lastError ??= failure(error);
      this.#lose(spare);
      return;
    }
    if (!this.#starting.delete(spare)) return;
    this.#addIdle(spare);
  }

  #addIdle(spare: Spare): void {
    this.#idle.add(spare);
    spare.control.unref();
    if (this.#idle.size < this.#size) return;
    for (const pending of this.#waiting) pending.resolve();
    this.#waiting.clear();
  }

  /** Whoever waits for them keeps this process alive, nobody else does. */
  #hold(): void {
    const held = [...this.#starting].map(({ control }) => control);
    for (const holder of [...held, this.#refillTimer]) {
      if (this.#waiting.size > 0) holder?.ref();
      else holder?.unref();
    }
  }

  #fail(cause: unknown): void {
    this.#lastError = failure(cause);
    this.#lost++;
    this.#lostInARow++;
  }

  #lose(spare: Spare): void {
    this.#lost++;
    this.#lostInARow++;
    this.#end(spare);
    this.#refillSoon();
  }

  #end(spare: Spare): void {
    this.#idle.delete(spare);
    this.#starting.delete(spare);
    spare.program.killGroup('SIGKILL');
    spare.control[Symbol.dispose]();
  }

  /** Ends those that wait; those that were taken go on. Every call throws ClosedError after that. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const spares = [...this.#idle, ...this.#starting];
    for (const spare of spares) this.#end(spare);
    for (const pending of this.#waiting) pending.reject(closedError());
    this.#waiting.clear();
    for (const { program } of spares) {
      program.ref();
      await program.exited;
    }
  }

  /** {@link close}. */
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

function failure(cause: unknown): ChildError {
  const reason = typeof cause === 'string' ? cause : reasonOf(cause);
  return new ChildError('ERR_AIOPIPE_START', `a child of a prefork could not get ready: ${reason}`, { cause });
}

function urlOf(what: unknown): string {
  if (isTarget(what)) return what.url;
  if (what instanceof URL) return what.href;
  throw new TypeError(`preload: expected targets or modules' URLs, not ${show(what)}`);
}
