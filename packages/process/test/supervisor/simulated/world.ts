import type { NestedSupervisor, SupervisorEvent, SupervisorOptions } from '../../../src/index.js';
import type { AnyChildSpec } from '../../../src/supervisor/spec.js';
import {
  ModelSupervisor,
  type Attempt,
  type Ending,
  type ModelCall,
  type ModelOptions,
  type ModelSpec,
  type Surroundings,
} from './model.js';
import { settle, SimulatedProcess, starter, time, type load } from './processes.js';

type Parts = Awaited<ReturnType<typeof load>>;
interface Known {
  readonly supervisor: NestedSupervisor;
  readonly path: readonly string[];
}

interface Call {
  real: string | undefined;
  model: ModelCall | undefined;
  readonly about: string;
}

type Real = InstanceType<Parts['Supervisor']>;

/** A supervisor, its model, and the events for both. */
export class World implements Surroundings {
  readonly #parts: Parts;
  readonly #random: () => number;
  readonly #processes: SimulatedProcess[] = [];
  /** The events that the model has not repeated yet. */
  #trace: { readonly what: string; act?: (() => void) | undefined }[] = [];
  readonly #attempts: { path: string; attempt: Attempt }[] = [];
  readonly #timers: { at: number; call: () => void }[] = [];
  /** All supervisors that were started: the real ones and the models, in the same order. */
  readonly #real: Known[] = [];
  readonly #models: ModelSupervisor[] = [];
  #calls: Call[] = [];
  readonly #root: Real;
  readonly #model: ModelSupervisor;
  readonly #told = new Map<number, string[]>();
  #ids = 0;
  #pid = 0;
  #finished: string | undefined;
  #isStopping = false;
  events = 0;

  constructor(parts: Parts, random: () => number) {
    this.#parts = parts;
    this.#random = random;
    time.clear();
    starter.start = (path) => this.#start(path);
    const options = this.#options(2);
    const { children, ...rest } = this.#realOptions(options, []);
    this.#root = new parts.Supervisor(children as readonly AnyChildSpec[] as never, rest);
    for (const type of ['started', 'start-failed', 'exited', 'gave-up'] as const)
      this.#root.on(type, (event: SupervisorEvent) => {
        this.#onEvent(event);
      });
    this.#model = new ModelSupervisor(options, [], this);
    this.#real.push({ supervisor: this.#root, path: [] });
    this.#models.push(this.#model);
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)] as T;
  }

  #options(depth: number): ModelOptions {
    const autoShutdown = this.#pick(['never', 'never', 'any_significant', 'all_significant'] as const);
    return {
      strategy: this.#pick(['one_for_one', 'one_for_all', 'rest_for_one']),
      intensity: this.#pick([0, 1, 3, 10, Infinity, Infinity]),
      period: this.#pick([10, 100, 5000]),
      backoff: this.#pick([undefined, { initial: 3, factor: 2, max: 20 }, { initial: 50, factor: 1, max: 50 }]),
      autoShutdown,
      children: Array.from({ length: this.#pick([0, 1, 2, 3, 4]) }, () => this.#spec(depth, autoShutdown)),
    };
  }

  #spec(depth: number, autoShutdown: string, id = `c${String(this.#ids++)}`): ModelSpec {
    const restart = this.#pick(['permanent', 'permanent', 'transient', 'temporary'] as const);
    const isNested = depth > 0 && this.#random() < 0.25;
    return {
      id,
      restart,
      significant: restart !== 'permanent' && autoShutdown !== 'never' && this.#random() < 0.5,
      shutdown: this.#pick([undefined, 0, 100, Infinity]),
      ready: this.#pick([undefined, undefined, undefined, { timeout: undefined }, { timeout: 40 }]),
      heartbeat: this.#pick([undefined, undefined, undefined, { interval: 15, deadline: 7 }]),
      nested: isNested ? this.#options(depth - 1) : undefined,
    };
  }

  #realOptions({ children, backoff, ...rest }: ModelOptions, path: readonly string[]) {
    return {
      ...rest,
      backoff: backoff && { ...backoff, jitter: 0 },
      children: children.map((spec) => this.#realSpec(spec, path)),
    } satisfies SupervisorOptions & { children: unknown };
  }

  #realSpec({ id, restart, significant, nested, ...process }: ModelSpec, parents: readonly string[]): AnyChildSpec {
    const path = [...parents, id];
    const common = { id, restart, significant };
    if (nested !== undefined) return { ...common, type: 'supervisor', ...this.#realOptions(nested, path) };
    return { ...common, ...process, target: this.#parts.work, args: () => this.#argsOf(path.join('/')) };
  }

  /** Returns the arguments of a process. The supervisor asks for them right before it starts the process. */
  #argsOf(path: string): [string] {
    const isRunning = this.#processes.some((process) => process.path === path && !process.hasEnded);
    check(!isRunning, `${path} is started, and it runs`);
    check(!this.#hasFinished, `${path} is started after the end`);
    const attempt = this.#pick<Attempt>([...this.#mostlyRuns, 'no arguments', 'no process']);
    this.#attempts.push({ path, attempt });
    const stops = !path.includes('/') && this.#random() < 0.005;
    this.#happened(`start ${path}`, stops ? this.#stopReal : undefined, this.#stopModel);
    if (attempt === 'no arguments') throw new Error('the test’s');
    return [path];
  }

  readonly #mostlyRuns = Array.from({ length: 20 }, (): Attempt => 'runs');

  get #hasFinished(): boolean {
    return this.#finished !== undefined;
  }

  #start(path: string): SimulatedProcess {
    const attempt = this.#attempts.at(-1)?.attempt ?? 'runs';
    const process = new SimulatedProcess(path, attempt, ++this.#pid, (what) => {
      this.#happened(what);
    });
    if (attempt === 'runs') this.#processes.push(process);
    return process;
  }

  /** Notes an event. If the program acted on it at once, `real` is its act, and `model` is the same act for the model. */
  #happened(what: string, real?: () => void, model?: () => void): void {
    this.#trace.push({ what, act: real && model });
    real?.();
  }

  #onEvent(event: SupervisorEvent): void {
    this.events++;
    check(!this.#hasFinished, `${event.type} after the end`);
    const path = event.path.join('/');
    if ('pid' in event && event.pid !== undefined)
      this.#told.set(event.pid, [...(this.#told.get(event.pid) ?? []), event.type]);
    if (event.type === 'started' && event.supervisor !== undefined)
      this.#real.push({ supervisor: event.supervisor, path: event.path });
    const next = 'willRestart' in event && event.willRestart ? `restart in ${String(event.delay)}` : 'no restart';
    const text = {
      started: () => `, restart ${String('restarts' in event && event.restarts)}`,
      'start-failed': () => `: ${'pid' in event && event.pid !== undefined ? 'a process' : 'no process'}, ${next}`,
      exited: () => {
        const { reason, error, exitCode, signalCode } = event as Extract<SupervisorEvent, { type: 'exited' }>;
        const how = `${reason}, ${error === undefined ? 'no failure' : 'a failure'}`;
        return `: ${how}, ${String(exitCode)} ${String(signalCode)}, ${next}`;
      },
      'gave-up': () => '',
    }[event.type]();
    const what = `${event.type} ${path}${text}`;
    // A listener calls only the supervisor of the event: a call of another one would race with it.
    const parent = supervisorOf(what);
    const chance = this.#random();
    if (chance < 0.005 && parent === '') this.#happened(what, this.#stopReal, this.#stopModel);
    else if (chance < 0.03 && this.#real.some(({ path: other }) => other.join('/') === parent)) {
      const call = this.#newCall(this.#real.findLastIndex(({ path: other }) => other.join('/') === parent));
      this.#happened(what, call.real, call.model);
    } else this.#happened(what);
  }

  readonly #stopReal = (): void => {
    this.#isStopping = true;
    void this.#root.stop();
  };

  readonly #stopModel = (): void => {
    this.#model.stop();
  };

  /** Makes a call by hand, on a supervisor that runs or has run. */
  #newCall(index: number): { readonly real: () => void; readonly model: () => void } {
    const { supervisor, path } = this.#real[index] as Known;
    const kind = this.#pick(['start', 'terminate', 'terminate', 'restart', 'restart', 'delete'] as const);
    const id = this.#pick([...supervisor.whichChildren().map((child) => child.id), `c${String(this.#ids++)}`]);
    const spec = this.#spec(0, 'never', id);
    const call: Call = { real: undefined, model: undefined, about: `${kind} ${[...path, id].join('/')}` };
    this.#calls.push(call);
    const make = {
      start: () => supervisor.startChild(this.#realSpec(spec, path) as never) as Promise<unknown>,
      terminate: () => supervisor.terminateChild(id),
      restart: () => supervisor.restartChild(id),
      delete: () => supervisor.deleteChild(id),
    }[kind];
    return {
      real: () => {
        make().then(
          () => (call.real = 'done'),
          (error: unknown) => (call.real = String((error as { code?: string }).code)),
        );
      },
      model: () => {
        const model = this.#models[index] as ModelSupervisor;
        call.model = model.call(kind, id, kind === 'start' ? spec : undefined);
      },
    };
  }

  /** Starts the supervisor. */
  async begin(): Promise<void> {
    this.#root.finished.then(
      () => (this.#finished = 'stopped'),
      () => (this.#finished = 'failed'),
    );
    this.#root.start().catch(() => undefined);
    await this.#follow(() => {
      this.#model.start();
    });
  }

  /** Lets one thing happen. */
  async step(): Promise<void> {
    const chance = this.#random() * 100;
    const running = this.#processes.filter(({ hasEnded }) => !hasEnded);
    const process = this.#pick(running);
    if (chance < 25) await this.#fireTimer();
    else if (chance < 30) time.now += this.#pick([0.5, 3, 30, 1000]);
    else if (chance < 40) {
      const { real, model } = this.#newCall(this.#random() < 0.5 ? 0 : Math.floor(this.#random() * this.#real.length));
      real();
      await this.#follow(model);
    } else if (chance < 40.3) {
      this.#stopReal();
      await this.#follow(this.#stopModel);
    } else if (process === undefined) return;
    else if (chance < 60) await this.#sayReady(process);
    else if (chance < 62) this.#hang(process);
    else if (process.isSignalled || chance < 70) await this.#end(process);
  }

  async #fireTimer(): Promise<void> {
    const at = time.nextTimer;
    if (!time.fireTimer()) {
      check(this.#timers.length === 0, `a timer is missing: ${JSON.stringify(this.#timers)}`);
      return;
    }
    await this.#follow(() => {
      const timer = this.#timers.shift();
      check(timer?.at === at, `a timer of ${String(at)} fired, not one of ${String(timer?.at)}`);
      timer.call();
    });
  }

  async #sayReady(process: SimulatedProcess): Promise<void> {
    if (process.isReady) return;
    process.sayReady();
    await this.#follow(() => this.#model.lifeOf(process.path)?.ready());
  }

  #hang(process: SimulatedProcess): void {
    process.isHung = true;
    const life = this.#model.lifeOf(process.path);
    if (life !== undefined) life.isHung = true;
  }

  async #end(process: SimulatedProcess): Promise<void> {
    const ending = this.#pick<Ending>([
      { exitCode: 0, signalCode: null },
      { exitCode: 1, signalCode: null },
      { exitCode: null, signalCode: 'SIGKILL' },
      ...(process.isSignalled ? [{ exitCode: null, signalCode: 'SIGTERM' }] : []),
    ]);
    process.end(ending);
    await this.#follow(() => this.#model.lifeOf(process.path)?.end(ending));
  }

  /** Waits for the consequences of the last step, and then lets the model do the same. */
  async #follow(step: () => void): Promise<void> {
    await settle();
    step();
    this.#model.run();
    const [rest] = this.#trace;
    check(rest === undefined, `this should not have happened: ${String(rest?.what)}`);
    const model = !this.#model.hasFinished ? undefined : this.#model.hasFailed ? 'failed' : 'stopped';
    check(this.#finished === model, `finished: ${String(this.#finished)}, and not ${String(model)}`);
    this.#calls = this.#calls.filter((call) => {
      const { about, real } = call;
      check(real === call.model?.result, `${about}: ${String(real)}, and not ${String(call.model?.result)}`);
      return real === undefined;
    });
  }

  /** Stops the supervisor; all processes end when they are told to. */
  async end(): Promise<void> {
    if (!this.#isStopping) {
      this.#stopReal();
      await this.#follow(this.#stopModel);
    }
    for (let round = 0; !this.#hasFinished; round++) {
      check(round < 1000, 'stop() never ends');
      for (const process of this.#processes) if (process.isSignalled && !process.hasEnded) await this.#end(process);
    }
    for (let i = 0; i < 10; i++) await this.step();
    check(this.#calls.length === 0, `never settled: ${String(this.#calls[0]?.about)}`);
    check(time.timers === 0, `${String(time.timers)} timers are left`);
    for (const { pid, path, hasEnded } of this.#processes) {
      check(hasEnded, `${path} runs after the end`);
      const told = this.#told.get(pid as number)?.join(', ');
      check(told === 'started, exited' || told === 'start-failed', `events of a process ${path}: ${String(told)}`);
    }
  }

  // --- The parts that the model uses ---

  get now(): number {
    return time.now;
  }

  get nextPath(): string | undefined {
    const [next] = this.#trace;
    return next && supervisorOf(next.what);
  }

  happens(what: string): void {
    // The supervisors of a tree work concurrently: each keeps its own order.
    const supervisor = supervisorOf(what);
    const index = this.#trace.findIndex((happened) => supervisorOf(happened.what) === supervisor);
    const next = this.#trace[index];
    check(next?.what === what, `${next?.what ?? 'nothing'} happened, and not: ${what}`);
    this.#trace.splice(index, 1);
    next.act?.();
  }

  attempt(path: string): Attempt {
    const next = this.#attempts.shift();
    check(next?.path === path, `${String(next?.path)} was started, and not ${path}`);
    return next.attempt;
  }

  setTimer(milliseconds: number, call: () => void): () => void {
    if (milliseconds === Infinity) return () => undefined;
    const timer = { at: time.now + Math.max(1, milliseconds), call };
    let index = this.#timers.length;
    while (index > 0 && (this.#timers[index - 1] as typeof timer).at > timer.at) index--;
    this.#timers.splice(index, 0, timer);
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at >= 0) this.#timers.splice(at, 1);
    };
  }

  began(nested: ModelSupervisor): void {
    this.#models.push(nested);
  }
}

/** Returns the path of the supervisor whose child an event is about. */
function supervisorOf(what: string): string {
  const [path = ''] = /c\d[\w/]*/.exec(what) ?? [];
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}
