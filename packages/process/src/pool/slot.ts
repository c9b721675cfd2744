import { renamePath, serializeError } from '@aiopipe/codec/internal';
import { now, queueMicrotask } from '@aiopipe/core/internal';
import { type ChildError } from '../errors.js';
import { type WorkerEndReason } from './events.js';
import { CancelGrace } from './cancel-grace.js';
import { CANCEL, HEARD, ITEM, READY, readAnswer, STREAM, TAKEN, TARGET, type Answer } from '../worker/protocol.js';
import { Owner } from './lane.js';
import { type Task } from './task.js';
import { type Worker } from './worker.js';
import { lossError, memoryError, protocolError } from './worker-errors.js';

/** The most tasks that a worker has at once. */
export const AHEAD = 4;

/** The scheduler, as its slots know it. */
export interface SlotOwner {
  readonly cancelGrace: number;
  /** The worker cannot be used any more, and was killed. Called in a microtask. */
  broke(slot: Slot): void;
  /** The worker has not ended a cancelled task within `cancelGrace`. */
  overdue(slot: Slot): void;
}

/** The scheduler's record of one worker: its tasks, and the messages that it may send next (see `docs/protocol.md`). */
export class Slot {
  readonly worker: Worker;
  readonly #owner: SlotOwner;
  /** Tasks that were given to the worker and not answered, in their order. The worker runs the first one. */
  readonly #tasks: Task[] = [];
  /** The number of the next task. */
  #number = 0;
  /** Whether the next number is in the claims already, because its task could not be sent. */
  #isOffered = false;
  /** The numbers of the targets that the worker knows, but for 0. */
  #targets: Set<number> | undefined;
  /** How many TAKEN the worker has not heard. */
  #unheard = 0;
  readonly #grace: CancelGrace;
  /** The keys whose tasks this worker does. Only the backlog changes it. */
  readonly owner = new Owner<Task>();
  #hasEnded = false;
  #endedBy: Error | undefined;
  /** Why the worker cannot be used any more, though its process had not ended. */
  brokenBy: Error | undefined;
  endReason: WorkerEndReason = 'died';
  isReady = false;
  /** Whether the worker was asked to end: its end is not a failure then. */
  isLeaving = false;
  /** Whether the worker died with a task, and it is not decided yet whether that counts for the pool's intensity. */
  mayCount = false;
  /** Whether the worker is asked to end when it has ended its cancelled task. */
  leavesWhenFree = false;
  /** The worker holds more memory than `maxRss`. */
  isLarge = false;
  /** The channel holds no more at the moment. */
  isClogged = false;
  /** All tasks were taken back before the worker began one, and it has said nothing since. */
  isBehind = false;
  /** The worker has begun its first task. Known once tasks were taken back. */
  hasBegun = false;
  /** Whether it is one of the idle slots. */
  isIdle = false;
  /** Tasks that were given and not taken back. */
  count = 0;
  /** When the worker came to its first task. */
  busySince = 0;
  idleSince = 0;

  constructor(worker: Worker, owner: SlotOwner) {
    this.worker = worker;
    this.#owner = owner;
    this.#grace = new CancelGrace(owner.cancelGrace, () => {
      owner.overdue(this);
    });
  }

  /** The task that the worker runs. Its caller may have stopped waiting for it. */
  get task(): Task | undefined {
    return this.#tasks[0];
  }

  get tasks(): readonly Task[] {
    return this.#tasks;
  }

  get load(): number {
    return this.#tasks.length;
  }

  /** The worker can be given no more tasks. */
  get isOver(): boolean {
    return this.#hasEnded || this.brokenBy !== undefined;
  }

  /** Sends the task. Returns false if the worker can have none any more. Throws if the arguments cannot be sent. */
  give(task: Task): boolean {
    if (this.isOver || (!this.#isOffered && !this.#offer())) return false;
    try {
      // An idle worker must have it now. For a busy one, all tasks of this turn go in one piece.
      this.isClogged = !this.#send(task, this.#tasks.length > 0);
    } catch (error) {
      throw renamePath(error, 'value[1]', 'args');
    }
    task.number = this.#number;
    this.#number = (this.#number + 1) >>> 0;
    this.#isOffered = false;
    task.isGiven = true;
    this.count++;
    if (this.#tasks.push(task) === 1) this.#comeTo(task, now());
    return true;
  }

  #send({ kind, args, target, context }: Task, soon: boolean): boolean {
    const { number } = target;
    if (number === 0) return this.worker.send(context ? [kind, args, 0, context] : [kind, args], soon);
    const known = (this.#targets ??= new Set());
    if (!known.has(number)) {
      this.worker.send([TARGET, number, target.url, target.name], true);
      known.add(number);
    }
    return this.worker.send(context ? [kind, args, number, context] : [kind, args, number], soon);
  }

  #offer(): boolean {
    try {
      this.worker.offer(this.#number);
    } catch (error) {
      this.break(error as Error);
      return false;
    }
    this.#isOffered = true;
    return true;
  }

  #comeTo(first: Task, time: number): void {
    this.hasBegun = false;
    this.busySince = time;
    first.trace?.began(this.worker);
  }

  /** Returns the tasks that the worker has not begun, and now will not begin. */
  takeBack(): Task[] {
    const numbers = this.#unclaimed();
    if (numbers.delete(this.#number)) this.#isOffered = false;
    const taken = this.#tasks.filter(({ number }) => numbers.delete(number));
    for (const task of taken) {
      const index = this.#tasks.indexOf(task);
      this.#tasks.splice(index, 1);
      task.isGiven = false;
      if (index === 0) task.trace?.wasTakenBack();
    }
    this.count -= taken.length;
    this.hasBegun = this.load > 0;
    // Numbers of answered tasks were claimed, so they cannot be there.
    if (numbers.size > 0) this.#outOfTurn('wrote foreign numbers into the claims pipe');
    if (taken.length > 0 && !this.isOver) {
      if (this.load === 0) this.isBehind = true;
      this.#unheard++;
      this.worker.send([TAKEN], true);
    }
    return taken;
  }

  /** The worker may have claimed every task if the claims cannot be read. */
  #unclaimed(): Set<number> {
    try {
      return this.worker.takeBack();
    } catch (error) {
      // The answers of a worker that has ended may still come.
      if (!this.#hasEnded) this.break(error as Error);
      return new Set();
    }
  }

  /** Asks the worker to stop its task. If it does not, the owner hears of that after the grace period. */
  cancel(task: Task, reason: unknown): void {
    if (this.isOver) return;
    try {
      this.worker.send([CANCEL, task.number, serializeError(reason)], false);
    } catch {
      // More is unsent than the channel may hold. The worker reads nothing, and is killed for that.
    }
    this.#grace.begin();
  }

  /** Returns the answer that a message is, if it is the worker's turn to give it. If not, the slot breaks. */
  read(message: unknown): Answer | undefined {
    const answer = readAnswer(message);
    if (answer === undefined) return this.#outOfTurn('sent a message of an unknown form');
    if (answer[0] === READY) return this.isReady ? this.#outOfTurn('sent READY twice') : answer;
    if (answer[0] === HEARD) return this.#unheard === 0 ? this.#outOfTurn('sent HEARD without a TAKEN') : answer;
    const [task] = this.#tasks;
    if (task?.number !== answer[1]) return this.#outOfTurn('answered a task that it is not running');
    if (answer[0] === ITEM && task.kind !== STREAM)
      return this.#outOfTurn('sent an item for a task that is not a stream');
    return answer;
  }

  /** A DecodeError came while the worker had no task. */
  unreadable(cause: Error): undefined {
    return this.#outOfTurn('sent a message that cannot be read while it had no task', cause);
  }

  /** The worker has heard a TAKEN. Returns whether it has caught up by that. */
  caughtUp(): boolean {
    if (--this.#unheard > 0 || !this.isBehind) return false;
    this.isBehind = false;
    return true;
  }

  /** The first task was answered: the worker comes to the next one, if it has one. */
  finish(time: number, isLarge: boolean): Task | undefined {
    this.#tasks.shift();
    this.isBehind = false;
    this.isLarge ||= isLarge;
    this.#grace.end();
    const [next] = this.#tasks;
    if (next === undefined) return undefined;
    this.#comeTo(next, time);
    if (next.isSettled) this.#grace.begin();
    return next;
  }

  #outOfTurn(what: string, cause?: Error): undefined {
    this.break(protocolError(this.worker, what, cause));
    return undefined;
  }

  /** Kills the worker. Nothing that it says from now on counts. */
  break(error: Error): void {
    if (this.brokenBy !== undefined) return;
    this.brokenBy = error;
    if (this.#hasEnded) return;
    this.endReason = 'broken';
    this.#grace.end();
    this.worker.kill();
    // The scheduler may be in the middle of giving tasks.
    queueMicrotask(() => {
      this.#owner.broke(this);
    });
  }

  #leave(reason: WorkerEndReason): void {
    if (!this.isLeaving && !this.isOver) this.endReason = reason;
    this.isLeaving = true;
  }

  /** The worker holds too much memory while it runs a task: kills it. */
  exceed(held: number, limit: number): void {
    if (this.isOver) return;
    const megabytes = (bytes: number) => `${String(Math.ceil(bytes / 2 ** 20))} MiB`;
    this.break(
      memoryError(this.worker, `held ${megabytes(held)} of memory, over the limit of ${megabytes(limit)} (maxRss)`),
    );
    this.endReason = 'memory';
    this.isLeaving = true;
  }

  /** The worker's process has ended. */
  end(error: Error | undefined): void {
    this.#hasEnded = true;
    this.#endedBy = error;
    this.#grace.end();
  }

  /** Why the worker ended, if that was a failure. */
  get failure(): Error | undefined {
    return this.brokenBy ?? this.#endedBy;
  }

  /** The error of a task that is lost with the worker. */
  lossOf(when: Parameters<typeof lossError>[1]): ChildError {
    return lossError(this.worker, when, this.brokenBy, this.#endedBy);
  }

  /** Lets an idle worker end by itself. */
  retire(reason: WorkerEndReason): void {
    this.#leave(reason);
    this.worker.retire(this.isReady);
  }

  terminate(reason: WorkerEndReason): void {
    this.#leave(reason);
    this.#grace.end();
    this.worker.terminate();
  }

  kill(reason: WorkerEndReason): void {
    this.#leave(reason);
    this.#grace.end();
    this.worker.kill();
  }
}
