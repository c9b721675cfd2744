/** The parts of a child's specification that the model uses. */
export interface ModelSpec {
  readonly id: string;
  readonly restart: 'permanent' | 'transient' | 'temporary';
  readonly significant: boolean;
  /** Milliseconds; 0 is SIGKILL at once. */
  readonly shutdown: number | undefined;
  /** The child must call `ready()` within `timeout` milliseconds. */
  readonly ready: { readonly timeout: number | undefined } | undefined;
  readonly heartbeat: { readonly interval: number; readonly deadline: number } | undefined;
  /** The options of a nested supervisor; undefined if the child is a process. */
  readonly nested: ModelOptions | undefined;
}

export interface ModelOptions {
  readonly strategy: 'one_for_one' | 'one_for_all' | 'rest_for_one';
  readonly intensity: number;
  readonly period: number;
  readonly backoff: { readonly initial: number; readonly factor: number; readonly max: number } | undefined;
  readonly autoShutdown: 'never' | 'any_significant' | 'all_significant';
  readonly children: readonly ModelSpec[];
}

/** The result of an attempt to start a process. The simulation decides it, and tells the model. */
export type Attempt = 'runs' | 'no arguments' | 'no process';

export interface Ending {
  readonly exitCode: number | null;
  readonly signalCode: string | null;
}

/** The parts of the simulation that the model uses. */
export interface Surroundings {
  readonly now: number;
  /** The path of the supervisor of the next real event. */
  readonly nextPath: string | undefined;
  /** Compares an event with the real one. If a listener acted on it, this calls back into the model. */
  happens(what: string): void;
  attempt(path: string): Attempt;
  /** Sets a timer. Returns the function that cancels it. */
  setTimer(milliseconds: number, call: () => void): () => void;
  /** Notes that a nested supervisor runs. */
  began(nested: ModelSupervisor): void;
}

/** Steps that wait: each yields a condition, and goes on when it is true. */
type Steps<T = void> = Generator<() => boolean, T, void>;

/** A child from one start to its end. */
class ModelLife {
  isHung = false;
  reason: 'exit' | 'shutdown' | 'hung' = 'exit';
  start: 'pending' | 'done' | 'failed' = 'pending';
  ended: (Ending & { readonly failed: boolean; readonly at: number }) | undefined;
  onEnd: (() => void) | undefined;
  #cancelReady: (() => void) | undefined;
  #cancelHeartbeat: (() => void) | undefined;

  constructor(
    readonly spec: ModelSpec,
    readonly path: string,
    readonly nested: ModelSupervisor | undefined,
    readonly world: Surroundings,
  ) {}

  /** Begins the life of a process. */
  begin(hasProcess: boolean): this {
    const { ready } = this.spec;
    if (!hasProcess) {
      this.start = 'failed';
      this.end({ exitCode: null, signalCode: null });
    } else if (ready === undefined) {
      this.start = 'done';
      this.#watch();
    } else if (ready.timeout !== undefined) {
      this.#cancelReady = this.world.setTimer(ready.timeout, () => (this.start = 'failed'));
    }
    return this;
  }

  ready(): void {
    if (this.spec.ready === undefined) return;
    this.#cancelReady?.();
    if (this.start === 'pending') this.start = 'done';
    this.#watch();
  }

  #watch(): void {
    const { heartbeat } = this.spec;
    if (heartbeat === undefined || this.ended !== undefined) return;
    this.#cancelHeartbeat = this.world.setTimer(heartbeat.interval, () => {
      if (!this.isHung) this.#watch();
      else
        this.#cancelHeartbeat = this.world.setTimer(heartbeat.deadline, () => {
          this.world.happens(`SIGKILL to ${this.path}`);
          this.reason = 'hung';
        });
    });
  }

  end({ exitCode, signalCode }: Ending, failed = exitCode !== 0): void {
    this.#cancelReady?.();
    this.#cancelHeartbeat?.();
    if (this.start === 'pending') this.start = 'failed';
    const isOurs = this.reason === 'shutdown' && signalCode !== null;
    this.ended = { exitCode, signalCode, failed: this.reason === 'hung' || (failed && !isOurs), at: this.world.now };
    this.onEnd?.();
  }

  *shutDown(): Steps {
    if (this.nested !== undefined) {
      if (!this.nested.isStopping) this.reason = 'shutdown';
      this.nested.stop();
    } else if (this.ended === undefined) {
      if (this.reason === 'exit') this.reason = 'shutdown';
      this.world.happens(`${this.spec.shutdown === 0 ? 'SIGKILL' : 'SIGTERM'} to ${this.path}`);
    }
    yield () => this.ended !== undefined;
  }
}

class ModelChild {
  life: ModelLife | undefined;
  startedAt: number | undefined;
  starts = 0;
  isRestarting = false;
  timer: { readonly cancel: () => void } | undefined;
  endsInARow = 0;
  /** Whether its last start had a process, if only for a while. */
  hadProcess = false;

  constructor(readonly spec: ModelSpec) {}

  cancelRestart(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.isRestarting = false;
  }

  get isStopped(): boolean {
    return this.life === undefined && !this.isRestarting;
  }
}

/** The result of a call by hand: a code if it failed. */
export interface ModelCall {
  result: string | undefined;
}

type Failure = 'stopped' | 'failed';

/**
 * OTP's supervisor, from supervisor.erl and our documentation: a process with a mailbox. It handles one message
 * after the other, and may wait while it handles one. The simulation provides time and processes.
 */
export class ModelSupervisor {
  readonly #world: Surroundings;
  readonly #options: ModelOptions;
  readonly #path: readonly string[];
  /** This supervisor, and the supervisors under it that have not finished. */
  readonly #all: ModelSupervisor[];
  #children: ModelChild[];
  readonly #mailbox: (() => Steps)[] = [];
  #current: Steps | undefined;
  #waitsFor: (() => boolean) | undefined;
  readonly #restarts: number[] = [];
  #isStarted = false;
  #willStop = false;
  #life: ModelLife | undefined;
  isStopping = false;
  allRun = false;
  hasFailed = false;
  hasFinished = false;

  constructor(options: ModelOptions, path: readonly string[], world: Surroundings, all: ModelSupervisor[] = []) {
    this.#options = options;
    this.#path = path;
    this.#world = world;
    this.#children = options.children.map((spec) => new ModelChild(spec));
    this.#all = all;
    all.push(this);
  }

  /**
   * Runs all supervisors until each of them waits. They work concurrently, and any order of two of them is right: the model takes
   * that of the real ones.
   */
  run(): void {
    for (let moved = true; moved;) {
      const { nextPath } = this.#world;
      const isNext = (supervisor: ModelSupervisor) => supervisor.#isAtOrUnder(nextPath);
      moved = [...this.#all.filter(isNext), ...this.#all].some((supervisor) => supervisor.#move());
    }
    for (const finished of this.#all.filter((supervisor) => supervisor !== this && supervisor.hasFinished))
      this.#all.splice(this.#all.indexOf(finished), 1);
  }

  #isAtOrUnder(path: string | undefined): boolean {
    return path !== undefined && `${this.#path.join('/')}/`.startsWith(path === '' ? '' : `${path}/`);
  }

  #move(): boolean {
    if (this.#current === undefined) {
      const next = this.#mailbox.shift();
      if (next === undefined) return false;
      this.#current = next();
    } else if (this.#waitsFor?.() === false) return false;
    const { done, value } = this.#current.next();
    this.#waitsFor = done === true ? undefined : value;
    if (done === true) this.#current = undefined;
    return true;
  }

  /** Returns the life of the process at a path. */
  lifeOf(path: string): ModelLife | undefined {
    const [id, ...rest] = path.split('/');
    const life = this.#children.find(({ spec }) => spec.id === id)?.life;
    return rest.length > 0 ? life?.nested?.lifeOf(rest.join('/')) : life;
  }

  start(): void {
    this.#mailbox.push(() => this.#startAll());
  }

  stop(): void {
    this.isStopping = true;
    for (const child of this.#children) child.cancelRestart();
    if (this.#willStop) return;
    this.#willStop = true;
    this.#mailbox.push(() => this.#endAll());
  }

  *#startAll(): Steps {
    this.#isStarted = true;
    for (const child of [...this.#children]) {
      const failure: Failure | undefined = this.isStopping ? 'stopped' : yield* this.#start(child);
      if (failure === undefined && !this.isStopping) continue;
      if (failure === 'failed' && !this.isStopping) {
        this.hasFailed = true;
        this.#tellStartFailed(child, child.hadProcess, false, 0);
      }
      this.stop();
      return;
    }
    this.allRun = true;
    if (this.#life !== undefined) this.#life.start = 'done';
  }

  *#endAll(): Steps {
    for (const child of [...this.#children].reverse()) yield* this.#end(child, false);
    this.hasFinished = true;
    this.#life?.end({ exitCode: null, signalCode: null }, this.hasFailed);
  }

  *#start(child: ModelChild): Steps<Failure | undefined> {
    child.cancelRestart();
    child.startedAt = undefined;
    const { spec } = child;
    const path = [...this.#path, spec.id];
    const name = path.join('/');
    let life: ModelLife;
    if (spec.nested === undefined) {
      this.#world.happens(`start ${name}`);
      const attempt = this.#world.attempt(name);
      child.hadProcess = attempt === 'runs';
      if (attempt === 'no arguments') return this.isStopping ? 'stopped' : 'failed';
      child.life = life = new ModelLife(spec, name, undefined, this.#world).begin(attempt === 'runs');
    } else {
      child.hadProcess = false;
      const nested = new ModelSupervisor(spec.nested, path, this.#world, this.#all);
      child.life = life = nested.#life = new ModelLife(spec, name, nested, this.#world);
      nested.start();
    }
    yield () => this.isStopping || life.start !== 'pending';
    if (this.isStopping) return 'stopped';
    if (life.start === 'failed') {
      yield* life.shutDown();
      child.life = undefined;
      if (this.#isStoppingNow) this.#tellStartFailed(child, child.hadProcess, false, 0);
      return 'failed';
    }
    child.startedAt = this.#world.now;
    child.starts++;
    if (life.nested !== undefined) this.#world.began(life.nested);
    this.#world.happens(`started ${name}, restart ${String(child.starts - 1)}`);
    const tell = () => this.#mailbox.push(() => this.#onEnd(child, life));
    if (life.ended === undefined) life.onEnd = tell;
    else tell();
    return undefined;
  }

  /** Shuts a child down, for good or until its sibling is started again. */
  *#end(child: ModelChild, isForSibling: boolean): Steps {
    child.cancelRestart();
    const { life, spec } = child;
    const willRestart = isForSibling && spec.restart !== 'temporary';
    if (life !== undefined) {
      yield* life.shutDown();
      child.life = undefined;
      // The wait may have been long enough for a call of stop().
      if (child.startedAt !== undefined) this.#tellExited(child, life, willRestart && !this.isStopping, 0);
      else this.#tellStartFailed(child, child.hadProcess, willRestart && !this.isStopping, 0);
    }
    child.isRestarting = willRestart && !this.isStopping;
    if (spec.restart === 'temporary') this.#delete(child);
  }

  *#onEnd(child: ModelChild, life: ModelLife): Steps {
    if (child.life !== life || life.ended === undefined) return;
    child.life = undefined;
    const { spec } = child;
    const { failed, at } = life.ended;
    const mayRestart = spec.restart === 'permanent' || (spec.restart === 'transient' && failed);
    // Also for an end that is not followed by a restart: a call may start the child again.
    if (at - (child.startedAt ?? 0) >= this.#options.period) child.endsInARow = 0;
    if (mayRestart && !this.isStopping) {
      yield* this.#restartOrGiveUp(child, (willRestart, delay) => {
        this.#tellExited(child, life, willRestart, delay);
      });
      return;
    }
    this.#tellExited(child, life, false, 0);
    if (spec.restart === 'temporary') this.#delete(child);
    const others = this.#children.some((other) => other.spec.significant && !other.isStopped);
    const { autoShutdown } = this.#options;
    if (spec.significant && (autoShutdown === 'any_significant' || (autoShutdown === 'all_significant' && !others)))
      this.stop();
  }

  *#restartOrGiveUp(child: ModelChild, tell: (willRestart: boolean, delay: number) => void): Steps {
    const { intensity, period, backoff } = this.#options;
    const { now } = this.#world;
    this.#restarts.push(now);
    const willRestart = this.#restarts.filter((at) => now - at < period).length <= intensity;
    const times = ++child.endsInARow - 1;
    const wait = backoff === undefined ? 0 : Math.min(backoff.max, backoff.initial * backoff.factor ** times);
    const delay = willRestart ? wait : 0;
    tell(willRestart, delay);
    if (!willRestart) {
      this.hasFailed = true;
      this.#world.happens(`gave-up ${this.#name(child)}`);
      this.stop();
    } else if (!this.isStopping) {
      child.isRestarting = true;
      for (const sibling of this.#groupOf(child).reverse()) {
        if (this.isStopping) return;
        if (sibling !== child) yield* this.#end(sibling, true);
      }
      this.#restartIn(delay, child);
    }
  }

  #groupOf(child: ModelChild): ModelChild[] {
    const { strategy } = this.#options;
    if (strategy === 'one_for_one') return [child];
    return this.#children.slice(strategy === 'one_for_all' ? 0 : this.#children.indexOf(child));
  }

  #restartIn(delay: number, child: ModelChild): void {
    if (this.isStopping) return;
    const timer = {
      cancel: this.#world.setTimer(delay, () => this.#mailbox.push(() => this.#startAgain(child, timer))),
    };
    child.timer = timer;
  }

  *#startAgain(child: ModelChild, timer: ModelChild['timer']): Steps {
    if (child.timer !== timer) return;
    for (const other of this.#groupOf(child)) {
      if (!other.isRestarting) continue;
      const failure = yield* this.#start(other);
      if (this.isStopping) return;
      if (failure === undefined) continue;
      yield* this.#restartOrGiveUp(other, (willRestart, delay) => {
        this.#tellStartFailed(other, other.hadProcess, willRestart, delay);
      });
      return;
    }
  }

  /** Makes a call by hand. Its result is the code of the error, or `done`. */
  call(kind: 'start' | 'terminate' | 'restart' | 'delete', id: string, spec?: ModelSpec): ModelCall {
    if (this.hasFinished) return { result: 'ERR_AIOPIPE_CLOSED' };
    const call: ModelCall = { result: undefined };
    this.#mailbox.push(() => this.#serve(call, kind, id, spec));
    return call;
  }

  *#serve(call: ModelCall, kind: string, id: string, spec: ModelSpec | undefined): Steps {
    const known = this.#children.find((child) => child.spec.id === id);
    if (this.isStopping || !this.#isStarted) call.result = 'ERR_AIOPIPE_CLOSED';
    else if (spec !== undefined) {
      if (known !== undefined) {
        call.result = 'ERR_AIOPIPE_CHILD_ID';
        return;
      }
      const child = new ModelChild(spec);
      this.#children.push(child);
      call.result = yield* this.#startByHand(child);
      if (call.result !== 'done' && child.life === undefined) this.#delete(child);
    } else if (known === undefined) call.result = 'ERR_AIOPIPE_CHILD_ID';
    else if (kind === 'terminate') {
      const wasAwaited = known.timer !== undefined;
      yield* this.#end(known, false);
      const next = this.#children.find(({ isRestarting, timer }) => isRestarting && timer === undefined);
      if (wasAwaited && next !== undefined) this.#restartIn(0, next);
      call.result = 'done';
    } else if (!known.isStopped) call.result = 'ERR_AIOPIPE_BUSY';
    else if (kind === 'restart') call.result = yield* this.#startByHand(known);
    else {
      this.#delete(known);
      call.result = 'done';
    }
  }

  *#startByHand(child: ModelChild): Steps<string> {
    const failure = yield* this.#start(child);
    if (failure === undefined) return 'done';
    if (this.isStopping) return 'ERR_AIOPIPE_CLOSED';
    this.#tellStartFailed(child, child.hadProcess, false, 0);
    return 'ERR_AIOPIPE_START';
  }

  /** A getter, because TypeScript would not expect a change during a wait. */
  get #isStoppingNow(): boolean {
    return this.isStopping;
  }

  #delete(child: ModelChild): void {
    this.#children = this.#children.filter((other) => other !== child);
  }

  #name({ spec }: ModelChild): string {
    return [...this.#path, spec.id].join('/');
  }

  #tellExited(child: ModelChild, { reason, ended }: ModelLife, willRestart: boolean, delay: number): void {
    const how = `${reason}, ${ended?.failed === true ? 'a failure' : 'no failure'}`;
    const exit = `${String(ended?.exitCode)} ${String(ended?.signalCode)}`;
    const next = willRestart ? `restart in ${String(delay)}` : 'no restart';
    this.#world.happens(`exited ${this.#name(child)}: ${how}, ${exit}, ${next}`);
  }

  #tellStartFailed(child: ModelChild, hadProcess: boolean, willRestart: boolean, delay: number): void {
    const what = hadProcess ? 'a process' : 'no process';
    const next = willRestart ? `restart in ${String(delay)}` : 'no restart';
    this.#world.happens(`start-failed ${this.#name(child)}: ${what}, ${next}`);
  }
}
