import { EventEmitter } from 'node:events';
import { availableParallelism } from 'node:os';
import { deserialize, serialize, type DecodeLimits } from '@aiopipe/codec';
import { AbortError, ClosedError } from '@aiopipe/core';
import {
  checkMilliseconds,
  checkOptions,
  handled,
  now,
  ObservedLives,
  optionNames,
  runInContext,
  wallClock,
  within,
} from '@aiopipe/core/internal';
import { ChildError, Pool, SupervisorError, type PoolCalls, type PoolStats } from '@aiopipe/process';
import { createInbox, headers, type Msg, type Subscription } from '@nats-io/transport-node';
import { type Delivery } from '../engine/delivery.js';
import { type Engine } from '../engine/engine.js';
import { HEADER } from '../engine/headers.js';
import { type Leases } from '../engine/leases.js';
import { Puller } from '../engine/puller.js';
import { type Bodies } from '../message/bodies.js';
import { contextOf } from '../message/context.js';
import { LANES, type Lane, type Names } from '../names.js';
import { type MachineStats } from '../pool/stats.js';
import { type DeadTask } from '../task/answers.js';
import { type Receipt } from '../task/courier.js';
import { decodeControl, type Control } from '../task/control.js';
import { Answers } from './answers.js';
import { Claims } from './claims.js';
import { type MachineEvent, type MachineEventFields, type MachineEvents } from './events.js';
import { type ServedTargets, type ServeSettings } from './options.js';
import { type ObservedMachine } from './observed-machine.js';
import { ServedTask } from './task.js';
import { machineTask } from './task-events.js';

/** What a machine needs of its cluster. */
export interface MachineParts {
  readonly engine: Engine;
  readonly bodies: Bodies;
  readonly leases: Leases;
  readonly names: Names;
  readonly limits: DecodeLimits;
  readonly targets: ServedTargets;
  readonly settings: ServeSettings;
  /** Creates the stream and the consumer of a target, if they are not there. */
  readonly ensure: (target: string) => Promise<void>;
  /** Puts a task into the dead letters. */
  readonly bury: (task: DeadTask) => Promise<void>;
  readonly onClose: () => void;
}

/** Options of `close()`. */
export interface MachineCloseOptions {
  /** Milliseconds after which tasks that are not done are cancelled and handed back. Default: no limit. */
  readonly timeout?: number | undefined;
}

const CLOSE_OPTIONS = optionNames<MachineCloseOptions>({ timeout: true });

type Facts = MachineEvent extends infer Each
  ? Each extends unknown
    ? Omit<Each, keyof MachineEventFields>
    : never
  : never;

const observed = new ObservedLives<ObservedMachine, MachineEvent>('machine');

/** Milliseconds before a task is delivered again that a machine could not even look at. */
const SOON = 1000;

/**
 * A machine that works for a cluster: a local pool, and the tasks that it takes. `cluster.serve()` makes it. It asks for as many
 * tasks as its pool has free workers. The lease of a task is renewed while it runs.
 */
export class Machine extends EventEmitter<MachineEvents> implements AsyncDisposable {
  readonly #parts: MachineParts;
  readonly #pool: Pool;
  readonly #calls = new Map<string, PoolCalls<readonly unknown[], unknown>>();
  readonly #size: number;
  /** Of each target and lane. */
  readonly #pullers: { readonly lane: Lane; readonly puller: Puller }[] = [];
  readonly #tasks = new Map<string, ServedTask>();
  readonly #handling = new Set<Promise<void>>();
  readonly #subscriptions: Subscription[] = [];
  readonly #answers: Answers;
  readonly #claims: Claims;
  readonly #creditsInbox = createInbox();
  /** Tasks whose workers are not free again. */
  #running = 0;
  #isClosing = false;
  #closing: Promise<void> | undefined;

  private constructor(parts: MachineParts) {
    super();
    const { engine, bodies, names, settings, targets } = parts;
    this.#parts = parts;
    const { size = availableParallelism() } = settings.pool;
    this.#pool = new Pool(settings.pool) as Pool;
    this.#size = typeof size === 'number' ? size : size.max;
    try {
      for (const [name, target] of Object.entries(targets)) {
        this.#calls.set(name, this.#pool.of(target) as PoolCalls<readonly unknown[], unknown>);
      }
    } catch (error) {
      void this.#pool[Symbol.asyncDispose]();
      throw error;
    }
    this.#answers = new Answers(engine, bodies, settings.name, this.#creditsInbox);
    this.#claims = new Claims(engine, names);
  }

  /** @internal */
  static async make(parts: MachineParts): Promise<Machine> {
    const machine = new Machine(parts);
    try {
      await machine.#start();
    } catch (error) {
      await machine.#pool[Symbol.asyncDispose]();
      throw error;
    }
    return machine;
  }

  /** The machine's name. */
  get name(): string {
    return this.#parts.settings.name;
  }

  /** The name of its cluster. */
  get cluster(): string {
    return this.#parts.names.cluster;
  }

  /** The names of the targets that it serves. */
  get targets(): readonly string[] {
    return [...this.#calls.keys()];
  }

  /** The version of these targets. */
  get version(): string {
    return this.#parts.settings.version;
  }

  /** Tasks that it has taken, and whose workers are not free again. */
  get running(): number {
    return this.#running;
  }

  /** Counts of its local pool. */
  get stats(): PoolStats {
    return this.#pool.stats;
  }

  /**
   * Takes no more tasks, and waits until those that it has are done. After the timeout, those are cancelled and handed back: other
   * machines run them. Resolves when the workers have ended.
   */
  close(options: MachineCloseOptions = {}): Promise<void> {
    checkOptions(options, CLOSE_OPTIONS);
    checkMilliseconds('timeout', options.timeout);
    this.#closing ??= this.#close(options.timeout);
    return this.#closing;
  }

  /** As `close()`, with the timeout `drainTimeout` of `serve()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close({ timeout: this.#parts.settings.drainTimeout });
  }

  async #start(): Promise<void> {
    const { engine, names, settings, ensure } = this.#parts;
    const targets = [...this.#calls.keys()];
    await Promise.all(targets.map((target) => ensure(target)));
    for (const target of targets) {
      const take = (delivery: Delivery) => {
        this.#arrived(delivery, target);
      };
      for (const lane of LANES) {
        const consumer = names.taskConsumer(target, settings.version, lane);
        const puller = new Puller(engine, names.tasks, consumer, settings.prefetch, take, () => ensure(target));
        this.#pullers.push({ lane, puller });
      }
    }
    this.#subscriptions.push(
      engine.nc.subscribe(names.machines, {
        callback: (error, message) => {
          const control = error === null ? decodeControl(message.data) : undefined;
          if (control !== undefined) this.#told(control, message);
        },
      }),
      engine.nc.subscribe(`${this.#creditsInbox}.*`, {
        callback: (error, message) => {
          if (error === null) this.#credited(message);
        },
      }),
    );
    engine.nc.publish(names.callers);
    observed.opened(this);
    this.#want();
  }

  #want(): void {
    if (this.#isClosing) return;
    const free = this.#size + this.#parts.settings.prefetch - this.#running;
    for (const { lane, puller } of this.#pullers) {
      // One more of those that come first. While the request for it waits, there is none, so that a free worker may take a normal
      // task. It costs no further question.
      puller.want(Math.max(0, lane === 'first' ? free + 1 : free));
    }
  }

  #told(control: Control, message: Msg): void {
    if (control.type === 'cancel') {
      this.#tasks.get(control.id)?.cancel(new AbortError('the caller stopped waiting for this task'));
      return;
    }
    const { target, version } = control;
    const { settings } = this.#parts;
    const isServed = this.#calls.has(target) && version === settings.version;
    if (control.type === 'stats') {
      const { workers } = this.#pool.stats;
      const answer: MachineStats = { name: this.name, workers, running: this.#running };
      if (isServed) message.respond(serialize(answer));
    } else if (!isServed) {
      this.#tell({
        type: 'task-left',
        target,
        version,
        served: this.#calls.has(target) ? settings.version : undefined,
      });
    }
  }

  #credited(message: Msg): void {
    const id = message.subject.slice(this.#creditsInbox.length + 1);
    this.#answers.credit(id, Number(message.headers?.get(HEADER.item)));
    message.respond(undefined, { headers: headers() });
  }

  #arrived(delivery: Delivery, target: string): void {
    if (this.#parts.leases.wasStopped) {
      // It is not handed back: another machine may have it by now. If none has, it comes again when its lease ends.
      this.#want();
      return;
    }
    const task = ServedTask.read(delivery, target);
    if (task === undefined) {
      // No caller of ours has sent it, and nothing can tell its sender.
      delivery.term();
      this.#want();
      return;
    }
    if (this.#isClosing) {
      delivery.nak();
      return;
    }
    this.#parts.leases.hold(delivery);
    this.#running++;
    this.#tasks.set(task.id, task);
    const handling = this.#handle(task).finally(() => {
      this.#handling.delete(handling);
      if (this.#tasks.get(task.id) === task) this.#tasks.delete(task.id);
    });
    this.#handling.add(handling);
  }

  /** Runs a task, and sends its outcome. Never rejects. */
  async #handle(task: ServedTask): Promise<void> {
    let isFree = false;
    const free = () => {
      if (isFree) return;
      isFree = true;
      this.#running--;
      this.#want();
    };
    try {
      const args = await this.#begin(task);
      if (args !== undefined) await this.#run(task, args, free);
    } catch {
      // NATS does not answer, or refuses: the task is delivered again.
      task.delivery.nak(SOON);
    } finally {
      free();
    }
  }

  /** Resolves with the arguments of a task that may run; with undefined if it is settled already. */
  async #begin(task: ServedTask): Promise<readonly unknown[] | undefined> {
    const { bodies, limits } = this.#parts;
    if (task.isOverdue) {
      await this.#lost(task);
      return undefined;
    }
    let args: unknown;
    try {
      const bytes =
        task.object === undefined ? task.delivery.data : await bodies.unpack(task.delivery.data, task.object);
      args = deserialize(bytes, { limits });
      if (!Array.isArray(args)) throw new TypeError('the arguments of a task are no list');
    } catch (error) {
      if (error instanceof ClosedError) throw error;
      this.#answered(task, await this.#answers.error(task, error));
      return undefined;
    }
    if (task.retries === 0) {
      task.claim = await this.#claims.claim(task.id, this.name);
      if (task.claim === undefined) {
        await this.#lost(task);
        await this.#claims.releaseOf(task.id);
        return undefined;
      }
    }
    return args as readonly unknown[];
  }

  async #run(task: ServedTask, args: readonly unknown[], free: () => void): Promise<void> {
    const { signal, priority, key } = task;
    const calls = this.#calls.get(task.target)?.with({ signal, priority, ...(key !== undefined && { key }) });
    if (calls === undefined) return;
    try {
      if (task.kind === 'stream') {
        const send = () => this.#answers.items(task, calls.stream(...args));
        this.#answered(task, await this.#traced(task, send));
        return;
      }
      const value: unknown = await this.#traced(task, () => calls.run(...args));
      free();
      this.#answered(task, await this.#answers.result(task, value));
    } catch (error) {
      free();
      await this.#failed(task, error);
    }
  }

  /** Makes the call of a task within the context of its caller, and publishes it, if anything observes it. */
  #traced<Outcome>(task: ServedTask, call: () => Promise<Outcome>): Promise<Outcome> {
    return runInContext(contextOf(task.context), () => {
      if (!machineTask.isObserved) return call();
      const { target, kind, id, delivery } = task;
      const { name: machine, cluster, version } = this;
      return machineTask.callAsync({ machine, cluster, target, version, kind, id, attempt: delivery.count }, call);
    });
  }

  async #failed(task: ServedTask, error: unknown): Promise<void> {
    if (!task.isWanted) {
      this.#settled(task);
      return;
    }
    // What the caller has seen cannot be taken back: the task is not tried again.
    if (task.itemsSent > 0) {
      this.#answered(task, await this.#answers.error(task, error));
      return;
    }
    if (error instanceof ClosedError || error instanceof SupervisorError) {
      if (error instanceof SupervisorError) this.#giveUp(error);
      // At most once: it was begun.
      if (task.retries === 0) await this.#dead(task, error);
      else task.delivery.nak();
      return;
    }
    if (error instanceof ChildError && error.code !== 'ERR_AIOPIPE_CHILD') {
      if (task.delivery.count <= task.retries) {
        this.#tell({ type: 'task-retried', target: task.target, id: task.id, error });
        task.delivery.nak();
      } else await this.#dead(task, error);
      return;
    }
    this.#answered(task, await this.#answers.error(task, error));
  }

  #answered(task: ServedTask, receipt: Receipt): void {
    // The cluster is closed: another machine does the task again.
    if (receipt === 'lost' && this.#parts.engine.isClosed) return;
    if (receipt === 'lost') this.#tell({ type: 'result-lost', target: task.target, id: task.id });
    this.#settled(task);
  }

  #settled(task: ServedTask): void {
    task.delivery.ack();
    this.#parts.bodies.remove(task.object);
    if (task.claim !== undefined) this.#claims.release(task.claim);
  }

  /** The machine that ran the task before was lost, and no retry is left. It may have told the caller the outcome already. */
  async #lost(task: ServedTask): Promise<void> {
    const error = lostError(task);
    const receipt = await this.#answers.error(task, error);
    if (receipt !== 'unwanted') await this.#bury(task, error);
    this.#answered(task, receipt);
  }

  /** The worker of the task died here, and no retry is left. */
  async #dead(task: ServedTask, error: Error): Promise<void> {
    await this.#bury(task, error);
    this.#answered(task, await this.#answers.error(task, error));
  }

  async #bury(task: ServedTask, error: Error): Promise<void> {
    const { bodies, limits, bury, settings } = this.#parts;
    let args: readonly unknown[] | undefined;
    try {
      args = deserialize(await bodies.unpack(task.delivery.data, task.object), { limits }) as readonly unknown[];
    } catch {
      // The letter goes without them.
    }
    const { id, target } = task;
    const { version } = settings;
    await bury({ id, target, version, args, attempts: task.delivery.count, machine: this.name, reason: error.message });
    this.#tell({ type: 'task-dead', target, id, error });
  }

  #giveUp(error: Error): void {
    if (this.#isClosing) return;
    this.#tell({ type: 'gave-up', error });
    void handled(this.close({ timeout: 0 }));
  }

  #tell(facts: Facts): void {
    const event = { machine: this.name, time: wallClock(), ...facts } as MachineEvent;
    observed.happened(this, event);
    this.emit(event.type, event as never);
  }

  async #close(timeout: number | undefined): Promise<void> {
    this.#isClosing = true;
    const { engine, onClose } = this.#parts;
    for (const { puller } of this.#pullers) puller.close();
    const deadline = now() + (timeout ?? Infinity);
    await within(Promise.allSettled(this.#handling), timeout ?? Infinity);
    if (this.#handling.size === 0) {
      // The workers end by themselves, so that monitors in them can send what they have.
      const left = deadline === Infinity ? undefined : Math.max(0, deadline - now());
      await this.#pool.close({ timeout: left });
    } else {
      // What is left rejects with ClosedError, and is handed back.
      await this.#pool[Symbol.asyncDispose]();
      await Promise.allSettled(this.#handling);
    }
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await engine.flush();
    onClose();
    observed.closed(this);
  }
}

function lostError(task: ServedTask): ChildError {
  const attempts = `after ${String(task.delivery.count - 1)} attempts`;
  return new ChildError(
    'ERR_AIOPIPE_NO_RESULT',
    `the task ${task.target} has no result: the machine that ran it was lost, ${attempts}, and no retry is left`,
  );
}
