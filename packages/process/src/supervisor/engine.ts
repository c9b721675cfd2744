import { ClosedError } from '@aiopipe/core';
import { calledFrom, now, Pending, setImmediate, Timer, type CallSite } from '@aiopipe/core/internal';
import { type SupervisorError } from '../errors.js';
import { Deferred } from '../wait/deferred.js';
import { type ProcessHandle } from '../start/process.js';
import { warnOf } from '../failure/unheard-failure.js';
import { restartDelay } from './backoff.js';
import { type Child } from './child.js';
import { ChildList } from './child-list.js';
import { type EventPublisher, type StartFailure } from './event-publisher.js';
import { asError, intensityError, nameOf, startError, stoppedError } from './failures.js';
import { type NestedSupervisor } from './interface.js';
import { type Ending, type Life } from './life.js';
import { ProcessLife } from './process-life.js';
import { RestartIntensity } from './restart-intensity.js';
import { decide, restartGroup, stopsItself, type Cause } from './rules.js';
import { SerialQueue } from './serial-queue.js';
import { type AnyChildSpec, type SupervisorOptions, type SupervisorSpec } from './spec.js';

/**
 * Carries out what the rules decide about the children of a supervisor. It does one thing at a time, in a queue, as the one
 * process does that a supervisor is in OTP. Only a call of {@link stop} takes effect at once.
 */
export class SupervisorEngine {
  readonly children = new ChildList();
  readonly finished = new Deferred<void>();
  /** Whether a listener got the reason of its end, or the program has used {@link finished}. */
  isHeard = false;
  /** The ids of a nested supervisor and of its parents. */
  path: readonly string[] = [];
  readonly #options: SupervisorOptions;
  readonly #events: EventPublisher;
  readonly #nest: (spec: SupervisorSpec) => Life;
  readonly #period: number;
  readonly #intensity: RestartIntensity;
  readonly #queue = new SerialQueue();
  readonly #stopping = new AbortController();
  /** The line that called start(). */
  #startSite: CallSite | undefined;
  #stopped: Promise<void> | undefined;
  /** Why it ends, if not because the program wants it to. */
  #failure: SupervisorError | undefined;

  /** @param nest - starts a nested supervisor */
  constructor(
    specs: readonly AnyChildSpec[],
    options: SupervisorOptions,
    events: EventPublisher,
    nest: (spec: SupervisorSpec) => Life,
  ) {
    this.#options = options;
    this.#events = events;
    this.#nest = nest;
    this.#period = options.period ?? 5000;
    this.#intensity = new RestartIntensity(options.intensity ?? 1, this.#period);
    for (const spec of specs) this.children.add(spec);
  }

  get isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  get startSite(): CallSite {
    return this.#startSite ?? {};
  }

  get #name(): string {
    return nameOf(this.path);
  }

  /** Calls `task` when nothing else is being done. Rejects ClosedError unless the supervisor runs then. */
  run<T>(task: () => Promise<T>): Promise<T> {
    return this.#queue.run(async () => {
      if (this.isStopping) throw stoppedError(this.#name);
      if (this.#startSite === undefined) throw new ClosedError(`${this.#name} is not running: call start() first`);
      return task();
    });
  }

  async start(site: CallSite): Promise<void> {
    try {
      await this.#queue.run(() => this.#startAll(site));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async #startAll(site: CallSite): Promise<void> {
    this.#startSite = site;
    for (const child of this.children.fromLeft) {
      const failure = this.isStopping ? undefined : await this.#start(child);
      if (this.isStopping) throw stoppedError(this.#name);
      if (failure === undefined) continue;
      this.#failure = calledFrom(site, startError(this.#name, child, failure));
      if (this.#events.startFailed(child, failure, false)) this.isHeard = true;
      throw this.#failure;
    }
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    for (const child of this.children.fromLeft) child.cancelRestart();
    return (this.#stopped ??= this.#queue.run(() => this.#endAll()));
  }

  async #endAll(): Promise<void> {
    for (const child of this.children.fromRight) await this.end(child, 'supervisor stops');
    if (this.#failure === undefined) this.finished.resolve();
    else this.finished.reject(this.#failure);
  }

  /** Starts a child because the program asks for it. */
  async startByHand(child: Child): Promise<ProcessHandle | NestedSupervisor> {
    const failure = await this.#start(child);
    const started = child.life?.process ?? child.life?.supervisor;
    if (failure === undefined && started !== undefined) return started;
    if (failure === undefined || this.isStopping) throw stoppedError(this.#name);
    const error = startError(this.#name, child, failure);
    if (this.#events.startFailed(child, failure, false)) publishedFailures.add(error);
    throw error;
  }

  /** Shuts a child down, if it runs, and publishes its end. */
  async end(child: Child, cause: Cause): Promise<void> {
    child.cancelRestart();
    const decision = decide(cause, child.spec.restart);
    const willRestart = decision === 'restart with sibling';
    const { life } = child;
    if (life !== undefined) {
      await life.shutDown();
      const ending = await life.ended;
      child.life = undefined;
      if (child.startedAt !== undefined) this.#events.exited(child, life, ending, willRestart);
      else {
        const error = ending.error ?? stoppedError(this.#name);
        this.#events.startFailed(child, { error, pid: life.pid }, willRestart);
      }
    }
    child.isRestarting = willRestart && !this.isStopping;
    if (decision === 'delete') this.children.delete(child);
  }

  /** Publishes a success. A failure, of which nothing is left, is the caller's to publish. */
  async #start(child: Child): Promise<StartFailure | undefined> {
    child.cancelRestart();
    let life: Life | undefined;
    try {
      const { spec } = child;
      life = spec.type === 'supervisor' ? this.#nest(spec) : new ProcessLife(spec);
      child.life = life;
      child.startedAt = undefined;
      await this.#unlessStopping(life.started);
    } catch (cause) {
      const error = asError(cause);
      // A started part of it is ended with the other children, in its turn.
      if (this.isStopping) return { error, pid: undefined };
      await life?.shutDown();
      child.life = undefined;
      const failure = { error, pid: life?.pid };
      // The callers report a failed start, unless stop() was called while its process ended.
      if (this.isStopping) this.#events.startFailed(child, failure, false);
      return failure;
    }
    this.#follow(child, life);
    return undefined;
  }

  async #unlessStopping(promise: Promise<unknown>): Promise<void> {
    if (this.isStopping) throw stoppedError(this.#name);
    const pending = new Pending<void>({ signal: this.#stopping.signal });
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
    void life.ended.then((ending) => this.#queue.run(() => this.#onEnd(child, life, ending)));
  }

  async #onEnd(child: Child, life: Life, ending: Ending): Promise<void> {
    // The supervisor has shut it down, and has published that.
    if (child.life !== life) return;
    child.life = undefined;
    const decision = decide(this.isStopping ? 'supervisor stops' : causeOf(ending), child.spec.restart);
    if (decision === 'restart') {
      if (ending.at - (child.startedAt ?? 0) >= this.#period) child.endsInARow = 0;
      await this.#restartOrGiveUp(child, ending.error, (willRestart, delay) => {
        this.#events.exited(child, life, ending, willRestart, delay);
      });
      return;
    }
    const isHeard = this.#events.exited(child, life, ending, false);
    if (ending.error !== undefined && !isHeard && !this.isStopping)
      warnOf('AIOPIPE_CHILD_FAILED', ending.error, "nothing listens to its supervisor's 'exited'");
    if (decision === 'delete') this.children.delete(child);
    if (child.spec.significant === true && stopsItself(this.#options.autoShutdown, this.#hasSignificant))
      void this.stop();
  }

  get #hasSignificant(): boolean {
    return this.children.fromLeft.some(({ spec, state }) => spec.significant === true && state !== 'stopped');
  }

  async #restartOrGiveUp(
    child: Child,
    cause: Error | undefined,
    publish: (willRestart: boolean, delay: number) => void,
  ): Promise<void> {
    child.endsInARow++;
    const willRestart = this.#intensity.allowsOneMore();
    const delay = willRestart ? restartDelay(this.#options.backoff, child.endsInARow) : 0;
    publish(willRestart, delay);
    if (!willRestart) this.#giveUp(child, cause);
    else if (!this.isStopping) await this.#restart(child, delay);
  }

  /** Shuts down the siblings that are restarted with it, and has all of them started when the delay is over. */
  async #restart(child: Child, delay: number): Promise<void> {
    child.isRestarting = true;
    for (const sibling of [...this.#groupOf(child)].reverse()) {
      if (this.isStopping) return;
      if (sibling !== child) await this.end(sibling, 'sibling restarted');
    }
    this.restartIn(delay, child);
  }

  #groupOf(child: Child): readonly Child[] {
    return restartGroup(this.#options.strategy, this.children.fromLeft, child);
  }

  /** Even without a delay other tasks in the queue come first: a call that terminates a child which cannot be started, say. */
  restartIn(delay: number, child: Child): void {
    if (this.isStopping) return;
    const timer = new Timer(() => void this.#queue.run(() => this.#startAgain(child, timer)), delay);
    child.timer = timer;
    // A daemon does not keep the program alive while it runs, nor while it waits.
    if (child.spec.type !== 'supervisor' && child.spec.options?.daemon === true) timer.unref();
  }

  async #startAgain(child: Child, timer: Timer): Promise<void> {
    // It was terminated meanwhile, or is restarted with a sibling.
    if (child.timer !== timer) return;
    for (const other of this.#groupOf(child)) {
      if (!other.isRestarting) continue;
      const failure = await this.#start(other);
      if (this.isStopping) return;
      if (failure === undefined) continue;
      await this.#restartOrGiveUp(other, failure.error, (willRestart, delay) => {
        this.#events.startFailed(other, failure, willRestart, delay);
      });
      return;
    }
  }

  #giveUp(child: Child, cause: Error | undefined): void {
    const error = calledFrom(this.startSite, intensityError(this.#name, child, this.#intensity, cause));
    this.#failure ??= error;
    if (this.#events.gaveUp(child, error)) this.isHeard = true;
    // A turn after its end: the program may wait for that before it asks for `finished`.
    void this.stop().then(() =>
      setImmediate(() => {
        if (!this.isHeard)
          warnOf('AIOPIPE_SUPERVISOR_FAILED', error, "nothing listens to 'gave-up' or has used `finished`");
      }),
    );
  }
}

function causeOf({ reason, error }: Ending): Cause {
  if (reason === 'hung') return 'hung';
  return error === undefined ? 'returned' : 'failed';
}

/** Failures of calls that an event has also reported. Their unhandled rejections need no warning. */
export const publishedFailures = new WeakSet<Error>();
