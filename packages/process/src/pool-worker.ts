import { channel, DecodeError, serialize, type Channel } from '@aiopipe/codec';
import { putNow, putSoon } from '@aiopipe/codec/internal';
import { BrokenPipeError, SystemError } from '@aiopipe/core';
import { ChildError } from './errors.js';
import { catchUp } from './loop-turns.js';
import { renamePath } from './message-path.js';
import { serve } from './pool-child.js';
import { Claims } from './pool-claims.js';
import { CANCEL, ERROR, ITEM, READY, STREAM, type Answer, type Ask } from './pool-protocol.js';
import { type Stream, type Task } from './pool-task.js';
import { portableError } from './portable-error.js';
import { startProcess, type ProcessHandle, type ProcessOptions } from './process.js';

/** Milliseconds that a worker gets to end by itself. */
const SHUTDOWN = 5000;

/** What a worker is started with. */
export interface WorkerSettings {
  /** The target's. */
  readonly url: string;
  readonly target: string;
  readonly maxRss: number | undefined;
  readonly cancelGrace: number;
  readonly spin: number;
  readonly options: ProcessOptions | undefined;
}

/** Whoever has workers hears what becomes of them. */
export interface WorkerOwner {
  /** It has started, or is done with a task: it can take another one. */
  free(worker: Worker): void;
  /** It is the task's turn now, by {@link performance.now}. */
  begun(task: Task, time: number): void;
  /** Of a task that has been answered, in milliseconds. */
  took(time: number): void;
  succeeded(task: Task, value: unknown): void;
  failed(task: Task, error: unknown): void;
  /** It doesn't stop at a task that was cancelled, for so long that it is to be killed. */
  overdue(worker: Worker): void;
  /** Its process has ended. A stream's items may still be there to be taken: see {@link Worker.drained}. */
  ended(worker: Worker, error: Error | undefined): void;
}

/** One child's life, in which it does its tasks one by one. */
export class Worker {
  readonly #name: string;
  readonly #owner: WorkerOwner;
  readonly #cancelGrace: number;
  readonly #channel: Channel<Ask, Answer>;
  readonly #claims: Claims;
  readonly #process: ProcessHandle<void>;
  /** While it may be at a task that was cancelled. */
  #graceTimer: NodeJS.Timeout | undefined;
  #endTimer: NodeJS.Timeout | undefined;
  #hasEnded = false;
  /** Given to it and not answered, in their order: the first one it is at, also where nobody waits for that any more. */
  readonly #tasks: Task[] = [];
  /** Of the next task. */
  #number = 0;
  /** That one is in the claims already, for a task that could not be sent. */
  #isOffered = false;
  isReady = false;
  /** It shall end, so that its end is no failure. */
  isLeaving = false;
  /** It holds more memory than it may. */
  isLarge = false;
  /** Its channel holds no more at the moment. */
  isClogged = false;
  /** It had not even begun with what it was given when that was taken back. */
  isBehind = false;
  /** Tasks that it was given and that weren't taken back. */
  count = 0;
  /** When it came to the task that it is at. */
  busySince = 0;
  idleSince = 0;
  /** Resolves when all that it has sent was taken. */
  readonly drained: Promise<void>;
  /** Resolves when its process has ended, its owner has heard of it, and nothing of it is open. */
  readonly ended: Promise<void>;

  /** Throws where no process could be asked for. */
  constructor(name: string, owner: WorkerOwner, settings: WorkerSettings) {
    const { url, target, maxRss, cancelGrace, spin, options } = settings;
    const [ours, theirs] = channel<Ask, Answer>({ duplex: true, spin });
    let claims: Claims | undefined;
    try {
      claims = new Claims();
      const args = [theirs, claims.theirs, url, target, maxRss] as const;
      this.#process = startProcess(serve, { ...options, name, args: [...args] });
    } catch (error) {
      ours[Symbol.dispose]();
      theirs[Symbol.dispose]();
      claims?.close();
      throw error;
    }
    this.#name = name;
    this.#owner = owner;
    this.#cancelGrace = cancelGrace;
    this.#channel = ours;
    this.#claims = claims;
    this.drained = this.#follow();
    this.ended = this.#watch();
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

  /** Throws what is wrong with the task's arguments. That the child is gone shows at its end, not here. */
  give(task: Task): void {
    if (!this.#isOffered) this.#claims.offer(this.#number);
    this.#isOffered = true;
    try {
      // One that is idle shall have it now; for one that is at work, all of this turn go in one piece.
      const put = this.#tasks.length === 0 ? putNow : putSoon;
      this.isClogged = !put(this.#channel, [task.kind, task.args]);
    } catch (error) {
      // That the child is gone shows at its end; until then nobody claims the task.
      if (!(error instanceof BrokenPipeError || error instanceof SystemError))
        throw renamePath(error, 'value[1]', 'args');
    }
    task.number = this.#number;
    this.#number = (this.#number + 1) >>> 0;
    this.#isOffered = false;
    task.worker = this;
    this.count++;
    if (this.#tasks.push(task) === 1) this.#comeTo(task);
  }

  #comeTo(task: Task): void {
    this.busySince = performance.now();
    this.#owner.begun(task, this.busySince);
  }

  /** The tasks that it has not begun, and now won't. */
  takeBack(): Task[] {
    const numbers = this.#claims.takeBack();
    if (numbers.has(this.#number)) this.#isOffered = false;
    const taken = this.#tasks.filter(({ number }) => numbers.has(number));
    for (const task of taken) {
      this.#tasks.splice(this.#tasks.indexOf(task), 1);
      task.worker = undefined;
    }
    this.count -= taken.length;
    if (taken.length > 0 && this.load === 0) this.isBehind = true;
    return taken;
  }

  /** The task that it is at is asked to stop. Where it doesn't, the owner hears of that. */
  cancel(task: Task, reason: unknown): void {
    if (this.#hasEnded) return;
    try {
      putNow(this.#channel, [CANCEL, task.number, serialize(portableError(reason))]);
    } catch {
      // Then it can't be asked. It has ended, or takes nothing any more.
    }
    this.#beginGrace();
  }

  #beginGrace(): void {
    if (this.#cancelGrace === Infinity || this.#graceTimer !== undefined) return;
    const timer = setTimeout(() => {
      void catchUp().then(() => {
        if (this.#graceTimer === timer) this.#owner.overdue(this);
      });
    }, this.#cancelGrace);
    this.#graceTimer = timer;
  }

  #endGrace(): void {
    clearTimeout(this.#graceTimer);
    this.#graceTimer = undefined;
  }

  async #follow(): Promise<void> {
    for (let answer = await this.#next(); answer !== undefined; answer = await this.#next()) {
      const [task] = this.#tasks;
      if (answer[0] === READY) {
        this.isReady = true;
        this.#tellFree();
      } else if (task === undefined) {
        break;
      } else if (answer[0] === ITEM) {
        const taken = (task as Stream).offer(answer[1]);
        if (taken !== undefined) await taken;
      } else {
        this.#finish(task, answer);
      }
    }
    // Whoever says no more shall do no more, either.
    if (!this.isLeaving) this.#endWithin(SHUTDOWN);
  }

  #finish(task: Task, answer: readonly [kind: number, value: unknown, isLarge?: boolean]): void {
    this.#tasks.shift();
    this.isBehind = false;
    this.isLarge ||= answer[2] === true;
    this.#endGrace();
    this.#owner.took(performance.now() - this.busySince);
    if (answer[0] === ERROR) this.#owner.failed(task, answer[1]);
    else this.#owner.succeeded(task, answer[1]);
    task.workerLeft();
    const [next] = this.#tasks;
    if (next !== undefined) this.#comeTo(next);
    if (next?.isSettled === true) this.#beginGrace();
    this.#tellFree();
  }

  /** What it has said may be heard after its end, where a stream's items were not taken before. */
  #tellFree(): void {
    if (!this.isLeaving && !this.#hasEnded) this.#owner.free(this);
  }

  /** What it says next; undefined when it has said all. */
  async #next(): Promise<Answer | undefined> {
    try {
      return await this.#channel.get();
    } catch (error) {
      const [task] = this.#tasks;
      if (!(error instanceof DecodeError) || error.fatal || task === undefined) return undefined;
      // It was well-formed, and only its value can't be built here.
      if (task.kind !== STREAM) return [ERROR, error];
      this.#owner.failed(task, error);
      this.cancel(task, error);
      return this.#next();
    }
  }

  async #watch(): Promise<void> {
    const error = await this.#process.result.then(
      () => undefined,
      (reason: unknown) => reason as Error,
    );
    await this.#process.join().catch(() => undefined);
    this.#hasEnded = true;
    this.#endGrace();
    clearTimeout(this.#endTimer);
    this.#owner.ended(this, error);
    await this.drained;
    // A stream that nothing had come of may be with another worker now, and then hears of that one's end.
    if (this.task?.worker === this) this.task.workerLeft();
    this.#channel[Symbol.dispose]();
    this.#claims.close();
    this.#process.close();
  }

  /** What the task rejects with that it had begun when it ended. */
  lossOf(error: Error | undefined): ChildError {
    const { pid, exitCode, signalCode } = this.#process;
    const how = signalCode === null ? `with exit code ${String(exitCode)}` : `by ${signalCode}`;
    return new ChildError(
      'ERR_AIOPIPE_NO_RESULT',
      `${this.#name} (pid ${String(pid)}) ended ${how} while it was at this task`,
      { pid, exitCode, signalCode, cause: error },
    );
  }

  /** It has no task, and gets none any more: it ends by itself, and is killed where it takes too long. */
  retire(): void {
    this.isLeaving = true;
    // Its function, which would see the end of its channel, isn't called before it is ready.
    if (!this.isReady) this.#process.terminate();
    this.#channel[Symbol.dispose]();
    this.#endWithin(SHUTDOWN);
  }

  /** It ends whatever it is at. */
  terminate(): void {
    this.isLeaving = true;
    this.#process.terminate();
    this.#endWithin(SHUTDOWN);
  }

  kill(): void {
    this.isLeaving = true;
    this.#endGrace();
    this.#process.kill('SIGKILL');
  }

  #endWithin(ms: number): void {
    if (this.#hasEnded) return;
    this.#endGrace();
    this.#endTimer ??= setTimeout(() => this.#process.kill('SIGKILL'), ms);
  }

  /** Whether its answers are worth staying for. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#channel.ref();
    else this.#channel.unref();
  }
}
