import { channel, DecodeError, type Channel } from '@aiopipe/codec';
import { peerLeftUnread, putNow } from '@aiopipe/codec/internal';
import { ChildError } from './errors.js';
import { serve } from './pool-child.js';
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
  readonly options: ProcessOptions | undefined;
}

/** Whoever has workers hears what becomes of them. */
export interface WorkerOwner {
  /** It has started, or is done with its task: it can take the next one. */
  free(worker: Worker): void;
  succeeded(task: Task, value: unknown): void;
  failed(task: Task, error: unknown): void;
  /** It doesn't stop at a task that was cancelled, for so long that it is to be killed. */
  overdue(worker: Worker): void;
  /** Its process has ended. A stream's items may still be there to be taken: see {@link Worker.drained}. */
  ended(worker: Worker, error: Error | undefined): void;
}

/** One child's life, in which it does one task at a time. */
export class Worker {
  readonly #name: string;
  readonly #owner: WorkerOwner;
  readonly #cancelGrace: number;
  readonly #channel: Channel<Ask, Answer>;
  readonly #process: ProcessHandle<void>;
  #timer: NodeJS.Timeout | undefined;
  #hasEnded = false;
  /** Whether the kernel has all of the task: until then the child can't have begun with it. */
  #hasSent = false;
  isReady = false;
  /** It shall end, so that its end is no failure. */
  isLeaving = false;
  /** It holds more memory than it may. */
  isLarge = false;
  /** Tasks that it was given. */
  count = 0;
  /** What it is at, also where nobody waits for that any more. */
  task: Task | undefined;
  idleSince = 0;
  /** Resolves when all that it has sent was taken. */
  readonly drained: Promise<void>;
  /** Resolves when its process has ended, its owner has heard of it, and nothing of it is open. */
  readonly ended: Promise<void>;

  /** Throws where no process could be asked for. */
  constructor(name: string, owner: WorkerOwner, settings: WorkerSettings) {
    const { url, target, maxRss, cancelGrace, options } = settings;
    const [ours, theirs] = channel<Ask, Answer>({ duplex: true });
    try {
      this.#process = startProcess(serve, { ...options, name, args: [theirs, url, target, maxRss] });
    } catch (error) {
      ours[Symbol.dispose]();
      theirs[Symbol.dispose]();
      throw error;
    }
    this.#name = name;
    this.#owner = owner;
    this.#cancelGrace = cancelGrace;
    this.#channel = ours;
    this.drained = this.#follow();
    this.ended = this.#watch();
  }

  /** Throws what is wrong with the task's arguments. That the child is gone shows at its end, not here. */
  give(task: Task): void {
    this.#hasSent = putNow(this.#channel, [task.kind, task.args]);
    this.task = task;
    this.count++;
    if (!this.#hasSent) void this.#noteSent(task);
  }

  async #noteSent(task: Task): Promise<void> {
    try {
      await this.#channel.drain();
      if (this.task === task) this.#hasSent = true;
    } catch {
      // Then the child never had all of it.
    }
  }

  /** Its task is asked to stop. Where it doesn't, the owner hears of that. */
  cancel(reason: unknown): void {
    if (this.#hasEnded) return;
    try {
      putNow(this.#channel, [CANCEL, this.count, portableError(reason)]);
    } catch {
      // Then it can't be asked. It has ended, or takes nothing any more.
    }
    if (this.#cancelGrace === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#owner.overdue(this);
    }, this.#cancelGrace);
  }

  async #follow(): Promise<void> {
    for (let answer = await this.#next(); answer !== undefined; answer = await this.#next()) {
      const { task } = this;
      if (answer[0] === READY) {
        this.isReady = true;
        this.#owner.free(this);
      } else if (task === undefined) {
        break;
      } else if (answer[0] === ITEM) {
        const taken = (task as Stream).offer(answer[1]);
        if (taken !== undefined) await taken;
      } else {
        this.task = undefined;
        this.isLarge = answer[2] === true;
        if (this.#timer !== undefined && !this.isLeaving) clearTimeout(this.#timer);
        if (answer[0] === ERROR) this.#owner.failed(task, answer[1]);
        else this.#owner.succeeded(task, answer[1]);
        task.workerLeft();
        if (!this.isLeaving) this.#owner.free(this);
      }
    }
    // Whoever says no more shall do no more, either.
    if (!this.isLeaving) this.#endWithin(SHUTDOWN);
  }

  /** What it says next; undefined when it has said all. */
  async #next(): Promise<Answer | undefined> {
    try {
      return await this.#channel.get();
    } catch (error) {
      if (!(error instanceof DecodeError) || error.fatal || this.task === undefined) return undefined;
      // It was well-formed, and only its value can't be built here.
      if (this.task.kind !== STREAM) return [ERROR, error];
      this.#owner.failed(this.task, error);
      this.cancel(error);
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
    clearTimeout(this.#timer);
    this.#owner.ended(this, error);
    await this.drained;
    // A stream that nothing had come of may go to another worker: it hears of that one's end, then.
    if (this.task?.worker === this) this.task.workerLeft();
    this.#channel[Symbol.dispose]();
    this.#process.close();
  }

  /** What its task rejects with, once it has ended in the midst of it. */
  lossOf(error: Error | undefined): ChildError {
    const { pid, exitCode, signalCode } = this.#process;
    const how = signalCode === null ? `with exit code ${String(exitCode)}` : `by ${signalCode}`;
    return new ChildError(
      'ERR_AIOPIPE_NO_RESULT',
      `${this.#name} (pid ${String(pid)}) ended ${how} while it was at this task`,
      { pid, exitCode, signalCode, cause: error },
    );
  }

  /** Whether it can have begun with the task that it had at its end. */
  get hasBegun(): boolean {
    return this.#hasSent && !peerLeftUnread(this.#channel);
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
    this.#process.kill('SIGKILL');
  }

  #endWithin(ms: number): void {
    if (this.#hasEnded) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#process.kill('SIGKILL'), ms);
  }

  /** Whether its answers are worth staying for. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#channel.ref();
    else this.#channel.unref();
  }
}
