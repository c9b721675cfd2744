import { ClosedError } from '@aiopipe/core';
import { calledFrom, setImmediate, Timer, type CallSite } from '@aiopipe/core/internal';
import { type SupervisorError } from '../errors.js';
import { Deferred } from '../wait/deferred.js';
import { type ProcessHandle } from '../start/process.js';
import { warnOf, warnOfChild } from '../failure/unheard-failure.js';
import { restartDelay } from './backoff.js';
import { type Child } from './child.js';
import { ChildList } from './child-list.js';
import { ChildRunner, type RunnerOwner } from './child-runner.js';
import { type EventPublisher } from './event-publisher.js';
import { intensityError, nameOf, publishedFailures, startError, stoppedError } from './failures.js';
import { type NestedSupervisor } from './interface.js';
import { type Ending, type Life } from './life.js';
import { Registry } from './registry.js';
import { RestartIntensity } from './restart-intensity.js';
import { decide, restartGroup, stopsItself, type Cause } from './restart-rules.js';
import { SerialQueue } from './serial-queue.js';
import { type AnyChildSpec, type SupervisorOptions } from './spec.js';

type Publish = (willRestart: boolean, delay: number) => boolean;

/**
 * Carries out what the rules decide about the children of a supervisor: which are started, restarted and ended, and when the
 * supervisor gives up. It does one thing at a time, in a queue, as an OTP supervisor does, which is one process. Only a
 * call of {@link stop} takes effect at once.
 */
export class SupervisorEngine {
  readonly children = new ChildList();
  readonly finished = new Deferred<void>();
  /** Whether a listener got the reason of its end, or the program has used {@link finished}. */
  isHeard = false;
  /** The ids of a nested supervisor and of its parents. */
  path: readonly string[] = [];
  /** Has its children by their names. Partitions are in the registry of the supervisor around them: see {@link partitionsOf}. */
  registry = new Registry(this.children);
  /** The child of the outer supervisor whose partitions these children are. */
  partitionsOf: string | undefined;
  readonly #options: SupervisorOptions;
  readonly #events: EventPublisher;
  readonly #runner: ChildRunner;
  readonly #period: number;
  readonly #intensity: RestartIntensity;
  readonly #queue = new SerialQueue(() => {
    this.registry.review();
  });
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
    nest: RunnerOwner['nest'],
  ) {
    this.#options = options;
    this.#events = events;
    this.#period = options.period ?? 5000;
    this.#intensity = new RestartIntensity(options.intensity ?? 1, this.#period);
    this.#runner = new ChildRunner(this.#runnerOwner(nest), events);
    for (const spec of specs) this.children.add(spec);
  }

  #runnerOwner(nest: RunnerOwner['nest']): RunnerOwner {
    const nameOfThis = () => this.#name;
    return {
      get name() {
        return nameOfThis();
      },
      stopping: this.#stopping.signal,
      nest,
      siblingsOf: (id) =>
        this.partitionsOf === undefined
          ? this.registry.siblingsOf(id)
          : this.registry.siblingsOf(this.partitionsOf, id),
      ended: (child, life, ending) => void this.#queue.run(() => this.#onEnd(child, life, ending)),
    };
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
      const failure = this.isStopping ? undefined : await this.#runner.start(child);
      if (this.isStopping) throw stoppedError(this.#name);
      if (failure === undefined) continue;
      this.#failure = calledFrom(site, startError(this.#name, child, failure));
      if (this.#events.startFailed(child, failure, false)) this.isHeard = true;
      throw this.#failure;
    }
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    if (this.partitionsOf === undefined) this.registry.close(() => stoppedError(this.#name));
    for (const child of this.children.fromLeft) child.cancelRestart();
    return (this.#stopped ??= this.#queue.run(() => this.#endAll()));
  }

  async #endAll(): Promise<void> {
    for (const child of this.children.fromRight) await this.#end(child, 'supervisor stops');
    if (this.#failure === undefined) this.finished.resolve();
    else this.finished.reject(this.#failure);
  }

  /** Adds a child on the right, and starts it. If that fails, the specification is deleted. */
  async startNew(spec: AnyChildSpec): Promise<ProcessHandle | NestedSupervisor> {
    const child = this.children.add(spec);
    try {
      return await this.startByHand(child);
    } catch (error) {
      // If the start was interrupted, the child is ended with the others.
      if (child.life === undefined) this.children.delete(child);
      throw error;
    }
  }

  /** Starts a child because the program asks for it. */
  async startByHand(child: Child): Promise<ProcessHandle | NestedSupervisor> {
    const failure = await this.#runner.start(child);
    const started = child.life?.process ?? child.life?.supervisor;
    if (failure === undefined && started !== undefined) return started;
    if (failure === undefined || this.isStopping) throw stoppedError(this.#name);
    const error = startError(this.#name, child, failure);
    if (this.#events.startFailed(child, failure, false)) publishedFailures.add(error);
    throw error;
  }

  /** Shuts a child down because the program asks for it, and cancels its restart. */
  async terminate(child: Child): Promise<void> {
    const wasAwaited = child.timer !== undefined;
    await this.#end(child, 'terminated');
    // The siblings that waited for its restart now get a restart of their own.
    const next = this.children.fromLeft.find(({ isRestarting, timer }) => isRestarting && timer === undefined);
    if (wasAwaited && next !== undefined) this.#restartIn(0, next);
  }

  /** Shuts a child down for this cause, if it runs. */
  async #end(child: Child, cause: Cause): Promise<void> {
    const decision = decide(cause, child.spec.restart);
    const willRestart = decision === 'restart with sibling';
    await this.#runner.shutDown(child, willRestart);
    child.isRestarting = willRestart && !this.isStopping;
    if (decision === 'delete') this.children.delete(child);
  }

  async #onEnd(child: Child, life: Life, ending: Ending): Promise<void> {
    // The supervisor has shut it down, and has published that.
    if (child.life !== life) return;
    child.life = undefined;
    if (ending.at - (child.startedAt ?? 0) >= this.#period) child.endsInARow = 0;
    const cause = this.isStopping ? 'supervisor stops' : causeOf(ending);
    await this.#follow(child, cause, ending.error, (willRestart, delay) =>
      this.#events.exited(child, life, ending, willRestart, delay),
    );
  }

  /**
   * Does what the rules say about a child that ended by itself, or that a restart could not start.
   *
   * @param publish - returns whether anything listens
   */
  async #follow(child: Child, cause: Cause, error: Error | undefined, publish: Publish): Promise<void> {
    const decision = decide(cause, child.spec.restart);
    if (decision === 'restart') {
      await this.#restartOrGiveUp(child, error, publish);
      return;
    }
    const isHeard = publish(false, 0);
    if (error !== undefined && !isHeard && !this.isStopping)
      warnOfChild(
        this.startSite,
        error,
        "nothing listens to 'exited' of its supervisor: listen to it, or iterate over events()",
      );
    if (decision === 'delete') this.children.delete(child);
    if (child.spec.significant === true && stopsItself(this.#options.autoShutdown, this.#hasSignificant))
      void this.stop();
  }

  get #hasSignificant(): boolean {
    return this.children.fromLeft.some(({ spec, state }) => spec.significant === true && state !== 'stopped');
  }

  async #restartOrGiveUp(child: Child, error: Error | undefined, publish: Publish): Promise<void> {
    child.endsInARow++;
    const willRestart = this.#intensity.allowsOneMore();
    const delay = willRestart ? restartDelay(this.#options.backoff, child.endsInARow) : 0;
    publish(willRestart, delay);
    if (!willRestart) this.#giveUp(child, error);
    else if (!this.isStopping) await this.#restart(child, delay);
  }

  /** Shuts down the siblings that are restarted with it, and has all of them started when the delay is over. */
  async #restart(child: Child, delay: number): Promise<void> {
    child.isRestarting = true;
    for (const sibling of [...this.#groupOf(child)].reverse()) {
      if (this.isStopping) return;
      if (sibling !== child) await this.#end(sibling, 'sibling restarted');
    }
    this.#restartIn(delay, child);
  }

  #groupOf(child: Child): readonly Child[] {
    return restartGroup(this.#options.strategy, this.children.fromLeft, child);
  }

  /** Even without a delay other tasks in the queue come first: a call that terminates a child which cannot be started, say. */
  #restartIn(delay: number, child: Child): void {
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
      const failure = await this.#runner.start(other);
      if (this.isStopping) return;
      if (failure === undefined) continue;
      await this.#follow(other, 'not restarted', failure.error, (willRestart, delay) =>
        this.#events.startFailed(other, failure, willRestart, delay),
      );
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
          warnOf('AIOPIPE_SUPERVISOR_FAILED', error, "nothing has used `finished`: await it, or listen to 'gave-up'");
      }),
    );
  }
}

function causeOf({ reason, error }: Ending): Cause {
  if (reason === 'hung') return 'hung';
  return error === undefined ? 'returned' : 'failed';
}
