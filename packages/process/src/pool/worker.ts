import { type DecodeError } from '@aiopipe/codec';
import { now, queueMicrotask, Timer } from '@aiopipe/core/internal';
import { ChildError } from '../errors.js';
import { catchUp } from '../wait/loop-turns.js';
import { renamePath } from '../control/message-path.js';
import { type Link, type LinkOwner, type LinkSettings, type StartLink } from './link.js';
import { CANCEL, HEARD, ITEM, READY, readAnswer, STREAM, TAKEN, VALUE, type Answer, type ERROR } from './protocol.js';
import { Stream, type Task } from './task.js';
import { deserializeError, serializeError } from '../control/portable-error.js';

/** What a worker is made with. */
export interface WorkerSettings extends LinkSettings {
  readonly cancelGrace: number;
}

/** Whoever has workers hears what becomes of them. */
export interface WorkerOwner {
  /** It has started, or is done with a task: it can take another one. */
  free(worker: Worker): void;
  /** It was slow to begin, and has caught up. */
  caughtUp(worker: Worker): void;
  /** It is the task's turn now, by {@link now}. */
  begun(task: Task, time: number): void;
  /** Of a task that has been answered, in milliseconds. */
  took(time: number): void;
  succeeded(task: Task, value: unknown): void;
  failed(task: Task, error: unknown): void;
  /** It doesn't stop at a task that was cancelled, for so long that it is to be killed. */
  overdue(worker: Worker): void;
  /** It can't be used any more, and is being killed: by its own doing, or because something could not be sent. */
  broke(worker: Worker): void;
  /** Its process has ended. What it had answered before may still come. */
  ended(worker: Worker, error: Error | undefined): void;
  /** No more answers come: what it has not answered, it never will. */
  gone(worker: Worker): void;
}

/** What one child has been given, and whether what it says fits that: see `docs/protocol.md`. */
export class Worker implements LinkOwner {
  readonly #owner: WorkerOwner;
  readonly #cancelGrace: number;
  readonly #link: Link;
  /** While it may be at a task that was cancelled. */
  #graceTimer: Timer | undefined;
  #hasEnded = false;
  /** Why it can't be used any more, though its process had not ended. */
  brokenBy: Error | undefined;
  /** Given to it and not answered, in their order: the first one it is at, also where nobody waits for that any more. */
  readonly #tasks: Task[] = [];
  /** Of the next task. */
  #number = 0;
  /** That one is in the claims already, for a task that could not be sent. */
  #isOffered = false;
  /** How many TAKEN it has not heard yet. */
  #unheard = 0;
  /** Why it ended, if not as it should have. */
  endedBy: Error | undefined;
  isReady = false;
  /** It shall end, so that its end is no failure. */
  isLeaving = false;
  /** It holds more memory than it may. */
  isLarge = false;
  /** Its channel holds no more at the moment. */
  isClogged = false;
  /** It had not even begun with what it was given when that was taken back, and has said nothing since. */
  isBehind = false;
  /** It has begun with the task that it is at: that is known once somebody has tried to take it back. */
  hasBegun = false;
  /** It is among those that have nothing to do. */
  isIdle = false;
  /** Tasks that it was given and that weren't taken back. */
  count = 0;
  /** When it came to the task that it is at. */
  busySince = 0;
  idleSince = 0;

  /** Throws where no process could be asked for. */
  constructor(name: string, owner: WorkerOwner, settings: WorkerSettings, start: StartLink) {
    this.#owner = owner;
    this.#cancelGrace = settings.cancelGrace;
    this.#link = start(name, settings, this);
  }

  /** The one that it is at. */
  get task(): Task | undefined {
    return this.#tasks[0];
  }

  get tasks(): readonly Task[] {
    return this.#tasks;
  }

  /** How many it was given and hasn't answered. */
  get load(): number {
    return this.#tasks.length;
  }

  /** Resolves when its process has ended, its owner has heard of it, and nothing of it is open. */
  get closed(): Promise<void> {
    return this.#link.closed;
  }

  /** False: it can't be given any. Throws what is wrong with the task's arguments. */
  give(task: Task): boolean {
    if (this.#isOver || (!this.#isOffered && !this.#offer())) return false;
    try {
      // One that is idle shall have it now; for one that is at work, all of this turn go in one piece.
      this.isClogged = !this.#link.send([task.kind, task.args], this.#tasks.length > 0);
    } catch (error) {
      throw renamePath(error, 'value[1]', 'args');
    }
    task.number = this.#number;
    this.#number = (this.#number + 1) >>> 0;
    this.#isOffered = false;
    task.worker = this;
    this.count++;
    if (this.#tasks.push(task) === 1) this.#comeTo(task);
    return true;
  }

  #offer(): boolean {
    try {
      this.#link.offer(this.#number);
    } catch (error) {
      this.#break(error as Error);
      return false;
    }
    this.#isOffered = true;
    return true;
  }

  #comeTo(task: Task): void {
    this.hasBegun = false;
    this.busySince = now();
    this.#owner.begun(task, this.busySince);
  }

  /** The tasks that it has not begun, and now won't. */
  takeBack(): Task[] {
    const numbers = this.#link.takeBack();
    if (numbers.delete(this.#number)) this.#isOffered = false;
    const taken = this.#tasks.filter(({ number }) => numbers.delete(number));
    for (const task of taken) {
      this.#tasks.splice(this.#tasks.indexOf(task), 1);
      task.worker = undefined;
    }
    this.count -= taken.length;
    this.hasBegun = this.load > 0;
    // What it has answered, or what nobody has put there, can't be there to be claimed.
    if (numbers.size > 0) this.#outOfTurn('put numbers of its own among those of its tasks');
    if (taken.length > 0 && !this.#isOver) this.#tellTaken();
    return taken;
  }

  #tellTaken(): void {
    if (this.load === 0) this.isBehind = true;
    this.#unheard++;
    this.#link.send([TAKEN], true);
  }

  /** The task that it is at is asked to stop. Where it doesn't, the owner hears of that. */
  cancel(task: Task, reason: unknown): void {
    if (this.#isOver) return;
    try {
      this.#link.send([CANCEL, task.number, serializeError(reason)], false);
    } catch {
      // More is unsent than its channel may hold. It takes nothing any more, and is killed for that.
    }
    this.#beginGrace();
  }

  #beginGrace(): void {
    if (this.#graceTimer !== undefined) return;
    const timer = new Timer(() => {
      void catchUp().then(() => {
        if (this.#graceTimer === timer) this.#owner.overdue(this);
      });
    }, this.#cancelGrace);
    this.#graceTimer = timer;
  }

  #endGrace(): void {
    this.#graceTimer?.cancel();
    this.#graceTimer = undefined;
  }

  /** @internal */
  heard(message: unknown): Promise<void> | undefined {
    if (this.brokenBy !== undefined) return undefined;
    const answer = readAnswer(message);
    if (answer === undefined) return this.#outOfTurn('sent a message of no known form');
    if (answer[0] === READY) return this.#start();
    if (answer[0] === HEARD) return this.#catchUp();
    const [task] = this.#tasks;
    if (task?.number !== answer[1]) return this.#outOfTurn('answered a task that it is not at');
    if (answer[0] !== ITEM) return this.#finish(task, answer);
    if (!(task instanceof Stream)) return this.#outOfTurn('sent an item, and its task is no stream');
    return task.offer(answer[2]);
  }

  /** @internal */
  heardUnreadable(error: DecodeError): void {
    if (this.brokenBy !== undefined) return;
    const [task] = this.#tasks;
    if (task === undefined) {
      this.#outOfTurn('sent something that can’t be read, and has no task', error);
    } else if (task.kind === STREAM) {
      // It was an item.
      this.#owner.failed(task, error);
      this.cancel(task, error);
    } else {
      this.#over(task, error, false);
    }
  }

  #start(): undefined {
    if (this.isReady) return this.#outOfTurn('said twice that it is ready');
    this.isReady = true;
    this.#tellFree();
    return undefined;
  }

  #catchUp(): undefined {
    if (this.#unheard === 0) return this.#outOfTurn('heard what was not said');
    if (--this.#unheard > 0 || !this.isBehind) return undefined;
    this.isBehind = false;
    if (this.isIdle) this.#owner.caughtUp(this);
    return undefined;
  }

  #finish(task: Task, answer: Answer & readonly [kind: typeof VALUE | typeof ERROR, ...unknown[]]): undefined {
    const isLarge = answer[3] === true;
    if (answer[0] === VALUE) this.#over(task, undefined, isLarge, answer[2]);
    else this.#over(task, deserializeError(answer[2]), isLarge);
    return undefined;
  }

  /** It is done with the task that it was at. */
  #over(task: Task, error: unknown, isLarge: boolean, ...result: readonly unknown[]): void {
    this.#tasks.shift();
    this.isBehind = false;
    this.isLarge ||= isLarge;
    this.#endGrace();
    this.#owner.took(now() - this.busySince);
    if (result.length === 0) this.#owner.failed(task, error);
    else this.#owner.succeeded(task, result[0]);
    task.workerLeft();
    const [next] = this.#tasks;
    if (next !== undefined) this.#comeTo(next);
    if (next?.isSettled === true) this.#beginGrace();
    this.#tellFree();
  }

  /** What it has said may be heard after its end, where a stream's items were not taken before. */
  #tellFree(): void {
    if (!this.isLeaving && !this.#isOver) this.#owner.free(this);
  }

  get #isOver(): boolean {
    return this.#hasEnded || this.brokenBy !== undefined;
  }

  #outOfTurn(what: string, cause?: Error): undefined {
    const { name, pid } = this.#link;
    const details = { pid, ...(cause && { cause }) };
    this.#break(new ChildError('ERR_AIOPIPE_PROTOCOL', `${name} (pid ${String(pid)}) ${what}`, details));
    return undefined;
  }

  /** Nothing that it says from now on counts, and it is ended at once. */
  #break(error: Error): void {
    if (this.brokenBy !== undefined) return;
    this.brokenBy = error;
    if (this.#hasEnded) return;
    this.#endGrace();
    this.#link.kill();
    // Not before whoever calls has done what it is at.
    queueMicrotask(() => {
      this.#owner.broke(this);
    });
  }

  /** @internal */
  broke(error: Error): void {
    this.#break(error);
  }

  /** @internal */
  ended(error: Error | undefined): void {
    this.#hasEnded = true;
    this.endedBy = error;
    this.#endGrace();
    this.#owner.ended(this, error);
  }

  /** @internal */
  gone(): void {
    this.#owner.gone(this);
    // One that is tried again may be with another worker now, and then hears of that one's end.
    for (const task of this.#tasks) if (task.worker === this) task.workerLeft();
  }

  /** How it ended, as an error about a task that is lost with it. */
  lossOf(task: Task): ChildError {
    const { name, pid, exit } = this.#link;
    const { exitCode, signalCode } = exit;
    const cause = this.brokenBy ?? this.endedBy;
    const how = signalCode === null ? `with exit code ${String(exitCode)}` : `by ${signalCode}`;
    const why = this.brokenBy === undefined ? '' : `, because of an error: ${this.brokenBy.message}`;
    const when = task.worker === this ? 'while it was at this task' : 'before it had begun with this task';
    return new ChildError('ERR_AIOPIPE_NO_RESULT', `${name} (pid ${String(pid)}) ended ${how} ${when}${why}`, {
      pid,
      exitCode,
      signalCode,
      cause,
    });
  }

  /** It has no task, and gets none any more: it ends by itself, and is killed where it takes too long. */
  retire(): void {
    this.isLeaving = true;
    this.#link.retire(this.isReady);
  }

  /** It ends whatever it is at. */
  terminate(): void {
    this.isLeaving = true;
    this.#endGrace();
    this.#link.terminate();
  }

  kill(): void {
    this.isLeaving = true;
    this.#endGrace();
    this.#link.kill();
  }

  /** Whether its answers are worth staying for. */
  hold(isHeld: boolean): void {
    this.#link.hold(isHeld);
  }
}
