import { ClosedError } from '@aiopipe/core';
import { now, Pending, setImmediate, Timer } from '@aiopipe/core/internal';
import { SupervisorError } from '../errors.js';
import { Deferred } from '../wait/deferred.js';
import { type ChildProcess } from '../start/process.js';
import { SerialQueue } from './serial-queue.js';
import { ChildList, type Child } from './children.js';
import { type SupervisorEvent } from './events.js';
import { ProcessLife, type Ending, type Life } from './life.js';
import { restartDelay, RestartIntensity } from './restarts.js';
import { type AnyChildSpec, type SupervisorOptions, type SupervisorSpec } from './spec.js';
import { Teller, type StartFailure } from './teller.js';
import { type Supervisor } from './supervisor.js';
import { warnOf } from '../failure/unheard-failure.js';

/** What an engine needs of the supervisor that it works for. */
export interface EngineHooks {
  /** Doesn't throw. Returns whether anybody listens to such events. */
  readonly tell: (event: SupervisorEvent) => boolean;
  /** Starts a nested supervisor. */
  readonly nest: (spec: SupervisorSpec) => Life;
}

/**
 * What a supervisor does about its children. All of it is done in a queue, one thing after another, as by the one process
 * that a supervisor is in OTP; only the wish to stop is noticed at once.
 */
export class SupervisorEngine {
  readonly children = new ChildList();
  readonly finished = new Deferred<void>();
  readonly #options: SupervisorOptions;
  readonly #nest: (spec: SupervisorSpec) => Life;
  readonly #teller: Teller;
  readonly #period: number;
  readonly #intensity: RestartIntensity;
  readonly #queue = new SerialQueue();
  readonly #stopping = new AbortController();
  #hasStarted = false;
  /** Somebody listens who is told why it ends, or asked for {@link finished}. */
  isHeard = false;
  #stopped: Promise<void> | undefined;
  /** Why it ends, where that is not because somebody wants it to. */
  #failure: SupervisorError | undefined;

  constructor(specs: readonly AnyChildSpec[], options: SupervisorOptions, hooks: EngineHooks) {
    this.#options = options;
    this.#nest = hooks.nest;
    this.#teller = new Teller(hooks.tell);
    this.#period = options.period ?? 5000;
    this.#intensity = new RestartIntensity(options.intensity ?? 1, this.#period);
    for (const spec of specs) this.children.add(spec);
  }

  get isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Does something about the children of a running supervisor, when it is its turn. */
  run<T>(task: () => Promise<T>): Promise<T> {
    return this.#queue.run(async () => {
      if (this.isStopping) throw stopped();
      if (!this.#hasStarted) throw new ClosedError('the supervisor does not run: start() it first');
      return task();
    });
  }

  async start(): Promise<void> {
    try {
      await this.#queue.run(() => this.#startAll());
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async #startAll(): Promise<void> {
    this.#hasStarted = true;
    for (const child of this.children) {
      const failure = this.isStopping ? undefined : await this.#start(child);
      if (this.isStopping) throw stopped();
      if (failure === undefined) continue;
      this.#failure = startError(child, failure);
      if (this.#teller.startFailed(child, failure, false)) this.isHeard = true;
      throw this.#failure;
    }
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    for (const child of this.children) child.stay();
    return (this.#stopped ??= this.#queue.run(() => this.#endAll()));
  }

  async #endAll(): Promise<void> {
    for (const child of this.children.fromRight) await this.end(child, false);
    if (this.#failure === undefined) this.finished.resolve();
    else this.finished.reject(this.#failure);
  }

  /** Starts a child that somebody asks for. */
  async startByHand(child: Child): Promise<ChildProcess | Supervisor> {
    const failure = await this.#start(child);
    const { life } = child;
    if (failure === undefined && life !== undefined)
      return (life.process ?? life.supervisor) as ChildProcess | Supervisor;
    if (failure === undefined || this.isStopping) throw stopped();
    const error = startError(child, failure);
    if (this.#teller.startFailed(child, failure, false)) heardBefore.add(error);
    throw error;
  }

  /** Ends a child, if it runs, and tells of it; a temporary one is forgotten. */
  async end(child: Child, willRestart: boolean): Promise<void> {
    child.stay();
    const { life } = child;
    if (life !== undefined) {
      await life.shutDown();
      const ending = await life.ended;
      child.life = undefined;
      if (child.startedAt !== undefined) this.#teller.exited(child, life, ending, willRestart);
      else this.#teller.startFailed(child, { error: ending.error ?? stopped(), pid: life.pid }, willRestart);
    }
    if (child.isTemporary) this.children.delete(child);
  }

  /** Tells of its success; of a failure, of which nothing is left, whoever called knows more to tell. */
  async #start(child: Child): Promise<StartFailure | undefined> {
    child.stay();
    let life: Life | undefined;
    try {
      const { spec } = child;
      life = spec.type === 'supervisor' ? this.#nest(spec) : new ProcessLife(spec);
      child.life = life;
      child.startedAt = undefined;
      await this.#unlessStopping(life.started);
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause), { cause });
      // What there is of it is ended with the others, when it is its turn.
      if (this.isStopping) return { error, pid: undefined };
      await life?.shutDown();
      child.life = undefined;
      return { error, pid: life?.pid };
    }
    this.#follow(child, life);
    return undefined;
  }

  async #unlessStopping(promise: Promise<unknown>): Promise<void> {
    if (this.isStopping) throw stopped();
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
    this.#teller.started(child, life);
    void life.ended.then((ending) => this.#queue.run(() => this.#onEnd(child, life, ending)));
  }

  async #onEnd(child: Child, life: Life, ending: Ending): Promise<void> {
    // It was shut down, and that was told.
    if (child.life !== life) return;
    child.life = undefined;
    const { restart = 'permanent', significant } = child.spec;
    if (this.isStopping || restart === 'temporary' || (restart === 'transient' && ending.error === undefined)) {
      const isHeard = this.#teller.exited(child, life, ending, false);
      if (ending.error !== undefined && !isHeard && !this.isStopping) {
        warnOf('AIOPIPE_CHILD_FAILED', ending.error, "nothing listens to its supervisor's 'exited'");
      }
      if (child.isTemporary) this.children.delete(child);
      if (significant === true) this.#shutDownIfDue();
      return;
    }
    if (ending.at - (child.startedAt ?? 0) >= this.#period) child.endsInARow = 0;
    const [willRestart, delay] = this.#decide(child);
    this.#teller.exited(child, life, ending, willRestart, delay);
    if (willRestart) await this.#restart(child, delay);
    else this.#giveUp(child, ending.error);
  }

  #decide(child: Child): [willRestart: boolean, delay: number] {
    child.endsInARow++;
    const willRestart = this.#intensity.allowsOneMore();
    return [willRestart, willRestart ? restartDelay(this.#options.backoff, child.endsInARow) : 0];
  }

  /** Shuts down those that are restarted with it, and has them all started when the delay is over. */
  async #restart(child: Child, delay: number): Promise<void> {
    child.isRestarting = true;
    for (const other of this.children.restartedWith(child, this.#options.strategy).reverse()) {
      if (this.isStopping) return;
      if (other === child) continue;
      await this.end(other, !other.isTemporary);
      other.isRestarting = !other.isTemporary;
    }
    this.restartIn(delay, child);
  }

  /** Leaves the queue to others until then, also where there is no delay: to whoever stops a child that can't be started, say. */
  restartIn(delay: number, child: Child): void {
    if (this.isStopping) return;
    const timer = new Timer(() => void this.#queue.run(() => this.#startAgain(child, timer)), delay);
    child.timer = timer;
    // It wouldn't keep us alive if it ran.
    if (child.spec.type !== 'supervisor' && child.spec.options?.daemon === true) timer.unref();
  }

  async #startAgain(child: Child, timer: Timer): Promise<void> {
    // Somebody terminated it meanwhile, or it is to be restarted with a sibling.
    if (child.timer !== timer) return;
    for (const other of this.children.restartedWith(child, this.#options.strategy)) {
      if (!other.isRestarting) continue;
      const failure = await this.#start(other);
      if (this.isStopping) return;
      if (failure === undefined) continue;
      const [willRestart, delay] = this.#decide(other);
      this.#teller.startFailed(other, failure, willRestart, delay);
      if (willRestart) await this.#restart(other, delay);
      else this.#giveUp(other, failure.error);
      return;
    }
  }

  #giveUp(child: Child, cause: Error | undefined): void {
    const error = new SupervisorError(
      'ERR_AIOPIPE_INTENSITY',
      `the supervisor gave up: ${child.spec.id} ended again, after ${String(this.#intensity.intensity)} restart(s) within ` +
        `${String(this.#period)} ms (intensity and period)`,
      { cause },
    );
    this.#failure ??= error;
    if (this.#teller.gaveUp(child, error)) this.isHeard = true;
    // A turn after its end, for that may be what somebody waits for.
    void this.stop().then(() =>
      setImmediate(() => {
        if (!this.isHeard)
          warnOf('AIOPIPE_SUPERVISOR_FAILED', error, "nothing listens to 'gave-up' or has asked for `finished`");
      }),
    );
  }

  #shutDownIfDue(): void {
    const { autoShutdown = 'never' } = this.#options;
    const isSignificant = ({ spec, state }: Child) => spec.significant === true && state !== 'stopped';
    if (
      autoShutdown === 'any_significant' ||
      (autoShutdown === 'all_significant' && ![...this.children].some(isSignificant))
    )
      void this.stop();
  }
}

/** Failures of calls of which an event has told: their callers need not be told again. */
export const heardBefore = new WeakSet<Error>();

const stopped = () => new ClosedError('the supervisor was stopped');

function startError({ spec }: Child, { error }: StartFailure): SupervisorError {
  return new SupervisorError('ERR_AIOPIPE_START', `the supervisor could not start ${spec.id}: ${error.message}`, {
    cause: error,
  });
}
