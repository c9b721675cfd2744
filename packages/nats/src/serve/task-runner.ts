import { deserialize } from '@aiopipe/codec';
import { ClosedError } from '@aiopipe/core';
import { runInContext } from '@aiopipe/core/internal';
import { ChildError, SupervisorError, type PoolCalls } from '@aiopipe/process';
import { contextOf } from '../message/context.js';
import { type Receipt } from '../task/courier.js';
import { type Answers } from './answers.js';
import { Claims } from './claims.js';
import { type GrowingCounts } from './counts.js';
import { type MachineFacts } from './events.js';
import { type MachineParts } from './parts.js';
import { type ServedTask } from './task.js';
import { machineTask } from './task-events.js';

/** Milliseconds before a task is delivered again that a machine could not even look at. */
const SOON = 1000;

/** The parts of a machine that its {@link TaskRunner} uses. */
export interface RunnerOwner {
  /** The calls of the local pool, by the names of the targets. */
  readonly calls: ReadonlyMap<string, PoolCalls<readonly unknown[], unknown>>;
  readonly counts: GrowingCounts;
  tell(facts: MachineFacts): void;
  /** The local pool has given up. */
  giveUp(error: Error): void;
}

/** Runs tasks in the local pool of a machine, one call for each, and decides what becomes of those that fail. */
export class TaskRunner {
  readonly #parts: MachineParts;
  readonly #answers: Answers;
  readonly #owner: RunnerOwner;
  readonly #claims: Claims;

  constructor(parts: MachineParts, answers: Answers, owner: RunnerOwner) {
    this.#parts = parts;
    this.#answers = answers;
    this.#owner = owner;
    this.#claims = new Claims(parts.engine, parts.names);
  }

  /**
   * Runs a task, and sends its outcome. Never rejects.
   *
   * @param onFree - called once, when its worker is free again
   */
  async run(task: ServedTask, onFree: () => void): Promise<void> {
    let isFree = false;
    const free = () => {
      if (isFree) return;
      isFree = true;
      onFree();
    };
    try {
      const args = await this.#begin(task, free);
      if (args !== undefined) await this.#call(task, args, free);
    } catch {
      // NATS does not answer, or refuses: the task is delivered again.
      this.#handBack(task, SOON);
    } finally {
      free();
    }
  }

  /** Resolves with the arguments of a task that may run; with undefined if it is settled already. No worker waits for its caller. */
  async #begin(task: ServedTask, free: () => void): Promise<readonly unknown[] | undefined> {
    const { bodies, limits } = this.#parts;
    if (task.isOverdue) {
      free();
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
      free();
      this.#answered(task, await this.#answers.error(task, error), 'failed');
      return undefined;
    }
    if (task.retries === 0) {
      task.claim = await this.#claims.claim(task.id, this.#parts.settings.name);
      if (task.claim === undefined) {
        free();
        await this.#lost(task);
        await this.#claims.releaseOf(task.id);
        return undefined;
      }
    }
    return args as readonly unknown[];
  }

  async #call(task: ServedTask, args: readonly unknown[], free: () => void): Promise<void> {
    const { signal, priority, key } = task;
    const calls = this.#owner.calls.get(task.target)?.with({ signal, priority, ...(key !== undefined && { key }) });
    if (calls === undefined) return;
    try {
      if (task.kind === 'stream') {
        const send = () => this.#answers.items(task, freeing(calls.stream(...args), free));
        this.#answered(task, await this.#traced(task, send), 'completed');
        return;
      }
      const value: unknown = await this.#traced(task, () => calls.run(...args));
      free();
      this.#answered(task, await this.#answers.result(task, value), 'completed');
    } catch (error) {
      free();
      await this.#failed(task, error);
    }
  }

  /** Makes the call of a task within the context of its caller, and publishes it, if anything observes it. */
  #traced<Outcome>(task: ServedTask, call: () => Promise<Outcome>): Promise<Outcome> {
    return runInContext(contextOf(task.delivery.headers), () => {
      if (!machineTask.isObserved) return call();
      const { target, kind, id, delivery } = task;
      const { settings, names } = this.#parts;
      const { name: machine, version } = settings;
      return machineTask.callAsync(
        { machine, cluster: names.cluster, target, version, kind, id, attempt: delivery.count },
        call,
      );
    });
  }

  async #failed(task: ServedTask, error: unknown): Promise<void> {
    if (!task.isWanted) {
      this.#settled(task, 'cancelled');
      return;
    }
    // What the caller has seen cannot be taken back: the task is not tried again.
    if (task.itemsSent > 0) {
      this.#answered(task, await this.#answers.error(task, error), 'failed');
      return;
    }
    if (error instanceof ClosedError || error instanceof SupervisorError) {
      if (error instanceof SupervisorError) this.#owner.giveUp(error);
      // At most once: it was begun.
      if (task.retries === 0) await this.#dead(task, error);
      else this.#handBack(task);
      return;
    }
    if (error instanceof ChildError && error.code !== 'ERR_AIOPIPE_CHILD') {
      if (task.delivery.count <= task.retries) {
        this.#owner.tell({ type: 'task-retried', target: task.target, id: task.id, error });
        this.#handBack(task);
      } else await this.#dead(task, error);
      return;
    }
    this.#answered(task, await this.#answers.error(task, error), 'failed');
  }

  #handBack(task: ServedTask, delay?: number): void {
    if (!task.delivery.isSettled) this.#owner.counts.handedBack++;
    task.delivery.nak(delay);
  }

  #answered(task: ServedTask, receipt: Receipt, ending: 'completed' | 'failed'): void {
    if (receipt === 'lost' && this.#answers.isClosed) {
      // The machine is closed before the caller has heard: another machine does the task again.
      this.#handBack(task);
      return;
    }
    if (receipt === 'lost') this.#owner.tell({ type: 'result-lost', target: task.target, id: task.id });
    this.#settled(task, receipt === 'unwanted' ? 'cancelled' : ending);
  }

  #settled(task: ServedTask, ending: 'completed' | 'failed' | 'cancelled'): void {
    this.#owner.counts[ending]++;
    task.delivery.ack();
    this.#parts.bodies.remove(task.object);
    if (task.claim !== undefined) this.#claims.release(task.claim);
  }

  /** The machine that ran the task before was lost, and no retry is left. It may have told the caller the outcome already. */
  async #lost(task: ServedTask): Promise<void> {
    const error = lostError(task);
    const receipt = await this.#answers.error(task, error);
    if (receipt !== 'unwanted') await this.#bury(task, error);
    this.#answered(task, receipt, 'failed');
  }

  /** The worker of the task died here, and no retry is left. */
  async #dead(task: ServedTask, error: Error): Promise<void> {
    await this.#bury(task, error);
    this.#answered(task, await this.#answers.error(task, error), 'failed');
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
    await bury({
      id,
      target,
      version,
      args,
      attempts: task.delivery.count,
      machine: settings.name,
      reason: error.message,
    });
    this.#owner.tell({ type: 'task-dead', target, id, error });
  }
}

/** The items of a stream. Its worker is free when it has ended: it does not wait until the caller has the last items. */
async function* freeing(items: AsyncIterable<unknown>, free: () => void): AsyncGenerator<unknown, void, undefined> {
  try {
    yield* items;
  } finally {
    free();
  }
}

function lostError(task: ServedTask): ChildError {
  const attempts = `after ${String(task.delivery.count - 1)} attempts`;
  return new ChildError(
    'ERR_AIOPIPE_NO_RESULT',
    `the task ${task.target} has no result: the machine that ran it was lost, ${attempts}, and no retry is left`,
  );
}
