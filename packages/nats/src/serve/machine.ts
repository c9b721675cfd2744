import { EventEmitter } from 'node:events';
import { availableParallelism } from 'node:os';
import { serialize } from '@aiopipe/codec';
import { AbortError } from '@aiopipe/core';
import {
  checkMilliseconds,
  checkOptions,
  handled,
  nextTick,
  ObservedLives,
  optionNames,
  Pending,
  Timer,
  wallClock,
  within,
} from '@aiopipe/core/internal';
import { Pool, type PoolCalls, type PoolStats } from '@aiopipe/process';
import { createInbox, headers, type Msg, type Subscription } from '@nats-io/transport-node';
import { type Delivery } from '../engine/delivery.js';
import { HEADER } from '../engine/headers.js';
import { Puller } from '../engine/puller.js';
import { LANES, type Lane } from '../names.js';
import { type MachineStats } from '../pool/stats.js';
import { decodeControl, type Control } from '../task/control.js';
import { Answers } from './answers.js';
import { type GrowingCounts, type MachineCounts } from './counts.js';
import { type MachineEvent, type MachineEvents, type MachineFacts } from './events.js';
import { type ObservedMachine } from './observed-machine.js';
import { type MachineParts } from './parts.js';
import { ServedTask } from './task.js';
import { TaskRunner } from './task-runner.js';

/**
 * Options of `close()`.
 *
 * @see the example of {@link Machine}
 */
export interface MachineCloseOptions {
  /** Milliseconds after which tasks that are not done are cancelled and handed back. Default: no limit. */
  readonly timeout?: number | undefined;
}

const CLOSE_OPTIONS = optionNames<MachineCloseOptions>({ timeout: true });

/** Milliseconds that tasks have to be handed back after the deadline: the connection may be cut. */
const LONGEST_HANDING_BACK = 2000;

const observed = new ObservedLives<ObservedMachine, MachineEvent>('machine');

/**
 * A machine that works for a cluster: a local pool, and the tasks that it takes. `cluster.serve()` makes it. It asks for as many
 * tasks as its pool has free workers. The lease of a task is renewed while it runs.
 *
 * @example
 * ```ts
 * import { Cluster } from '@aiopipe/nats';
 * import { isChild, target } from '@aiopipe/process';
 * import { connect } from '@nats-io/transport-node';
 *
 * export const die = target(import.meta.url, 'die', () => process.kill(process.pid, 'SIGKILL'));
 *
 * if (!isChild()) {
 *   const nc = await connect({ servers: 'nats://127.0.0.1:4222' });
 *   const cluster = await Cluster.open(nc, { name: 'machines' });
 *   const machine = await cluster.serve({ die }, { size: 1, name: 'attic' });
 *   machine.on('task-retried', ({ target }) => console.log(target, 'is tried again'));
 *   machine.on('task-dead', ({ machine, target }) => console.log(machine, 'gave up', target));
 *   await cluster.pool<typeof die>('die', { retries: 1 }).run().catch((error) => console.log(error.name));
 *   const { args, attempts } = await cluster.deadLetters().get();
 *   console.log(args, attempts);
 *   await machine.close({ timeout: 1000 });
 *   await cluster[Symbol.asyncDispose]();
 *   await nc.close();
 * }
 * ```
 * ```text
 * die is tried again
 * attic gave up die
 * ChildError
 * [] 2
 * ```
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
  readonly #runner: TaskRunner;
  readonly #creditsInbox = createInbox();
  /** Tasks whose workers are not free again. */
  #running = 0;
  readonly #counts: GrowingCounts = { completed: 0, failed: 0, cancelled: 0, handedBack: 0, redelivered: 0 };
  #isClosing = false;
  /** Settles when a timeout of `close()` is over. */
  readonly #deadline = new Pending<void>();
  #closing: Promise<void> | undefined;

  private constructor(parts: MachineParts) {
    super();
    const { engine, bodies, settings, targets } = parts;
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
    this.#runner = new TaskRunner(parts, this.#answers, {
      calls: this.#calls,
      counts: this.#counts,
      tell: (facts) => {
        this.#tell(facts);
      },
      giveUp: (error) => {
        this.#giveUp(error);
      },
    });
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

  /**
   * Milliseconds without a sign of life of the machine after which its tasks are delivered to others: the `lease` of its cluster.
   */
  get lease(): number {
    return this.#parts.leases.lease;
  }

  /** Whether it takes no more tasks: it was told to close, or its local pool gave up. */
  get isDraining(): boolean {
    return this.#isClosing;
  }

  /** Tasks that it has taken, and whose workers are not free again. */
  get running(): number {
    return this.#running;
  }

  /** What became of the tasks that it has taken. */
  get counts(): MachineCounts {
    return { ...this.#counts };
  }

  /** Counts of its local pool. */
  get stats(): PoolStats {
    return this.#pool.stats;
  }

  /**
   * Takes no more tasks, and waits until those that it has are done. After the timeout, those are cancelled and handed back: other
   * machines run them, also if they are done and no caller has heard the outcome. Resolves when the workers have ended. If it is
   * called again with a timeout, the earliest deadline counts.
   */
  close(options: MachineCloseOptions = {}): Promise<void> {
    checkOptions(options, CLOSE_OPTIONS);
    checkMilliseconds('timeout', options.timeout);
    const closing = (this.#closing ??= this.#close());
    if (options.timeout !== undefined) {
      const timer = new Timer(() => {
        this.#deadline.resolve();
      }, options.timeout);
      const done = () => {
        timer.cancel();
      };
      closing.then(done, done);
    }
    return closing;
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
    if (delivery.count > 1) this.#counts.redelivered++;
    this.#tasks.set(task.id, task);
    const free = () => {
      this.#running--;
      this.#want();
    };
    const handling = this.#runner.run(task, free).finally(() => {
      this.#handling.delete(handling);
      if (this.#tasks.get(task.id) === task) this.#tasks.delete(task.id);
    });
    this.#handling.add(handling);
  }

  #giveUp(error: Error): void {
    if (this.#isClosing) return;
    this.#tell({ type: 'gave-up', error });
    void handled(this.close({ timeout: 0 }));
  }

  #tell(facts: MachineFacts): void {
    const event = { machine: this.name, time: wallClock(), ...facts } as MachineEvent;
    observed.happened(this, event);
    try {
      this.emit(event.type, event as never);
    } catch (error) {
      // What a listener throws must not end the client's loop that reads the connection, nor hand a task back that is settled.
      nextTick(() => {
        throw error;
      });
    }
  }

  async #close(): Promise<void> {
    this.#isClosing = true;
    const { engine, onClose } = this.#parts;
    for (const { puller } of this.#pullers) puller.close();
    await Promise.race([Promise.allSettled(this.#handling), this.#deadline.promise]);
    if (this.#handling.size === 0) {
      // The workers end by themselves, so that monitors in them can send what they have, unless the deadline comes first.
      await Promise.race([this.#pool.close(), this.#deadline.promise]);
      await this.#pool[Symbol.asyncDispose]();
    } else {
      // What is left rejects with ClosedError, and is handed back.
      this.#answers.close();
      await this.#pool[Symbol.asyncDispose]();
      await within(Promise.allSettled(this.#handling), LONGEST_HANDING_BACK);
    }
    this.#answers.close();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await engine.flush();
    onClose();
    observed.closed(this);
  }
}
