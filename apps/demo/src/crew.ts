import { channel, type Channel } from '@aiopipe/codec';
import { aiopipe, type ReadEnd, type WriteEnd } from '@aiopipe/core';
import { Supervisor, type ChildSpec } from '@aiopipe/process';
import { type Answer, type FileTask } from './messages.js';
import { type FileReport } from './file-report.js';
import { censusWorker } from './worker.js';

/** Tasks that one worker has at once: enough that it never waits for the next. */
const WINDOW = 32;
/** A file that has brought down this many workers, beside those that chaos killed, is skipped. */
const MAX_CRASHES = 3;

/** What the crew tells. */
export interface CrewEvents {
  report(report: FileReport): void;
  skipped(path: string, reason: string): void;
  /** Bytes that some worker has read since it told last. */
  progress(bytes: number): void;
}

export interface CrewOptions {
  readonly directory: string;
  readonly workers: number;
  readonly pattern: string;
  /** Workers to kill while they work. */
  readonly chaos: number;
}

interface Task extends FileTask {
  crashes: number;
}

/** One worker's life: a new one after each restart. */
interface Worker {
  readonly name: string;
  readonly tasks: Channel<FileTask, Answer>;
  readonly outstanding: Map<number, Task>;
}

/**
 * Supervised workers that share one list of files. A worker that dies is restarted with a new channel and a new pipe; what
 * it had not answered goes back to the front of the list.
 */
export class Crew {
  readonly #options: CrewOptions;
  readonly #events: CrewEvents;
  readonly #supervisor: Supervisor;
  readonly #workers = new Set<Worker>();
  #waiting: Task[] = [];
  #nextId = 0;
  #done = 0;
  #listIsComplete = false;
  #wakeLister: (() => void) | undefined;
  #finish!: { resolve: () => void; reject: (error: Error) => void };
  readonly #finished: Promise<void>;
  #killsLeft: number;
  #nextKillAt: number;
  restarts = 0;

  constructor(options: CrewOptions, events: CrewEvents) {
    this.#options = options;
    this.#events = events;
    this.#killsLeft = options.chaos;
    this.#nextKillAt = randomBelow(20);
    this.#finished = new Promise((resolve, reject) => {
      this.#finish = { resolve, reject };
    });
    const names = Array.from({ length: options.workers }, (_, index) => `census-${String(index + 1)}`);
    this.#supervisor = new Supervisor(
      names.map((name) => this.#spec(name)),
      { intensity: options.chaos + MAX_CRASHES, period: 60_000 },
    );
    this.#supervisor.on('exited', ({ willRestart }) => {
      if (willRestart) this.restarts++;
    });
    this.#supervisor.on('gave-up', (error) => {
      this.#finish.reject(error);
    });
  }

  /** Called for each start: channels and pipes move into the worker, so each life gets its own. */
  #spec(name: string): ChildSpec<[Channel<Answer, FileTask>, WriteEnd, string]> {
    return {
      id: name,
      target: censusWorker,
      // One whose tasks have ended returns, and is not started again.
      restart: 'transient',
      options: { cwd: this.#options.directory },
      args: () => {
        const [tasks, theirTasks] = channel<FileTask, Answer>({ duplex: true });
        const [progress, theirProgress] = aiopipe();
        const worker: Worker = { name, tasks, outstanding: new Map() };
        this.#workers.add(worker);
        void this.#follow(worker);
        void this.#followProgress(progress);
        return [theirTasks, theirProgress, this.#options.pattern];
      },
    };
  }

  /** Resolves when every file of the list has been reported or skipped. */
  async work(paths: AsyncIterable<string>): Promise<void> {
    await using supervisor = this.#supervisor;
    supervisor.start();
    const listed = this.#list(paths);
    await Promise.race([this.#finished, listed.then(() => this.#finished)]);
    // Their last task is done: at the end of the channel they return.
    for (const { tasks } of this.#workers) tasks[Symbol.dispose]();
    await supervisor.finished;
  }

  /** Takes as much of the list as the workers can use, and no more. */
  async #list(paths: AsyncIterable<string>): Promise<void> {
    for await (const path of paths) {
      this.#waiting.push({ id: this.#nextId++, path, crashes: 0 });
      this.#dispatch();
      if (this.#waiting.length >= WINDOW) await new Promise<void>((resolve) => (this.#wakeLister = resolve));
    }
    this.#listIsComplete = true;
    this.#dispatch();
  }

  #dispatch(): void {
    for (const worker of this.#workers) {
      while (worker.outstanding.size < WINDOW) {
        const task = this.#waiting.shift();
        if (task === undefined) break;
        worker.outstanding.set(task.id, task);
        // A worker that is gone shows at the end of its answers, where all of its tasks are taken back.
        void worker.tasks.put({ id: task.id, path: task.path });
      }
    }
    if (this.#waiting.length < WINDOW) this.#wakeLister?.();
    if (this.#listIsComplete && this.#done === this.#nextId) this.#finish.resolve();
  }

  async #follow(worker: Worker): Promise<void> {
    try {
      for await (const answer of worker.tasks) {
        const task = worker.outstanding.get(answer.id);
        if (task === undefined) continue;
        worker.outstanding.delete(answer.id);
        this.#done++;
        if ('report' in answer) this.#events.report(answer.report);
        else this.#events.skipped(task.path, answer.skipped);
        this.#dispatch();
        this.#causeChaos();
      }
      this.#takeBack(worker);
    } catch (error) {
      this.#takeBack(worker);
      if (this.#workers.size > 0 && !worker.tasks.isClosed) this.#finish.reject(error as Error);
    }
  }

  /** What a worker left undone is done by others. The first of its tasks is the one that it died at. */
  #takeBack(worker: Worker): void {
    this.#workers.delete(worker);
    worker.tasks[Symbol.dispose]();
    const undone = [...worker.outstanding.values()];
    const [first] = undone;
    if (first !== undefined && ++first.crashes > MAX_CRASHES + this.#options.chaos) {
      undone.shift();
      this.#done++;
      this.#events.skipped(first.path, 'its workers died');
    }
    this.#waiting.unshift(...undone);
    this.#dispatch();
  }

  async #followProgress(end: ReadEnd): Promise<void> {
    await using lines = end.open();
    for await (const line of lines.lines()) this.#events.progress(Number(line.split(' ')[1]));
  }

  /** SIGKILL to a worker that has something to do. */
  #causeChaos(): void {
    if (this.#killsLeft === 0 || this.#done < this.#nextKillAt) return;
    const busy = [...this.#workers].filter(({ outstanding }) => outstanding.size > 0);
    const victim = busy[randomBelow(busy.length)];
    if (victim === undefined) return;
    this.#killsLeft--;
    this.#nextKillAt = this.#done + randomBelow(100);
    this.#supervisor.processes.get(victim.name)?.kill('SIGKILL');
  }

  /** How many of the workers that chaos was to kill it has killed. */
  get kills(): number {
    return this.#options.chaos - this.#killsLeft;
  }
}

function randomBelow(limit: number): number {
  return Math.floor(Math.random() * limit);
}
