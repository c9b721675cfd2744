import { channel, DecodeError, type Channel } from '@aiopipe/codec';
import { aiopipe, type ReadEnd, type WriteEnd } from '@aiopipe/core';
import { Supervisor, type ChildSpec, type ProcessHandle } from '@aiopipe/process';
import { anyOf, Chaos } from './chaos.js';
import { type FileReport } from './file-report.js';
import { type Answer, type FileTask } from './messages.js';
import { TaskList, type Task } from './task-list.js';
import { censusWorker } from './worker.js';

/** Tasks that one worker has at once: enough that it never waits for the next. */
const WINDOW = 8;
/** A file that has brought down this many workers is skipped. Workers that chaos or a person kills do not count. */
const MAX_CRASHES = 3;
/** The supervisor gives up if there are more such files within a minute. */
const MAX_DEADLY_FILES = 5;
/** Workers that a person can kill in the page within a minute. */
const MAX_KILLS_BY_HAND = 100;

/** The events that the workers report. */
export interface CensusEvents {
  report(report: FileReport): void;
  skipped(path: string, reason: string): void;
  /** Bytes that a worker has read since its last report. */
  progress(bytes: number): void;
}

export interface CensusWorkersOptions {
  readonly directory: string;
  readonly workers: number;
  readonly pattern: string;
  /** Workers to kill while they work. */
  readonly chaos: number;
  /** Whether people can kill workers in a page. */
  readonly web: boolean;
}

/** One worker's life: a new one after each restart. */
interface Worker {
  readonly name: string;
  readonly tasks: Channel<FileTask, Answer>;
  readonly outstanding: Map<number, Task>;
  process: ProcessHandle | undefined;
  hasAnswered: boolean;
  isKilled: boolean;
}

/**
 * Supervised workers that share one list of files. A worker that dies is restarted with a new channel and a new pipe. The
 * tasks that it had not answered are given to the next free workers.
 */
export class CensusWorkers {
  readonly #options: CensusWorkersOptions;
  readonly #events: CensusEvents;
  readonly #supervisor: Supervisor;
  readonly #chaos: Chaos;
  readonly #workers = new Set<Worker>();
  readonly #tasks = new TaskList();
  #done = 0;
  #listIsComplete = false;
  #isFinished = false;
  #settle!: { resolve: () => void; reject: (error: unknown) => void };
  readonly #finished: Promise<void>;
  restarts = 0;

  constructor(options: CensusWorkersOptions, events: CensusEvents) {
    this.#options = options;
    this.#events = events;
    this.#chaos = new Chaos(options.chaos);
    this.#finished = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    const mostKills = options.chaos + (options.web ? MAX_KILLS_BY_HAND : 0);
    const names = Array.from({ length: options.workers }, (_, index) => `census-${String(index + 1)}`);
    this.#supervisor = new Supervisor(
      names.map((name) => this.#spec(name)),
      { intensity: mostKills + MAX_CRASHES * MAX_DEADLY_FILES, period: 60_000, autoShutdown: 'all_significant' },
    );
    this.#supervisor.on('started', ({ id, process }) => {
      for (const worker of this.#workers) if (worker.name === id) worker.process ??= process;
    });
    this.#supervisor.on('exited', ({ willRestart }) => {
      if (willRestart) this.restarts++;
    });
    this.#supervisor.finished.catch(this.#settle.reject);
  }

  /** Called for each start: channels and pipes move into the worker, so each life gets its own. */
  #spec(name: string): ChildSpec<[Channel<Answer, FileTask>, WriteEnd, string]> {
    return {
      id: name,
      target: censusWorker,
      // A worker returns when its channel has ended, and is not started again.
      restart: 'transient',
      significant: true,
      options: { cwd: this.#options.directory },
      args: () => {
        const [tasks, theirTasks] = channel<FileTask, Answer>({ duplex: true });
        const [progress, theirProgress] = aiopipe();
        this.#join({
          name,
          tasks,
          outstanding: new Map(),
          process: undefined,
          hasAnswered: false,
          isKilled: false,
        });
        void this.#followProgress(progress);
        return [theirTasks, theirProgress, this.#options.pattern];
      },
    };
  }

  #join(worker: Worker): void {
    // It replaces a worker that was killed after the last task: there is nothing to do.
    if (this.#isFinished) return void worker.tasks[Symbol.dispose]();
    this.#workers.add(worker);
    void this.#follow(worker);
    this.#dispatch();
  }

  /** Resolves when every file of the list has been reported or skipped, and no worker is left. */
  async work(paths: AsyncIterable<string>, signal: AbortSignal): Promise<void> {
    await using supervisor = this.#supervisor;
    signal.addEventListener('abort', () => {
      this.#settle.reject(signal.reason);
    });
    void supervisor.start();
    const listed = this.#list(paths);
    await Promise.race([this.#finished, listed.then(() => this.#finished)]);
    this.#isFinished = true;
    // All tasks are done: the workers return at the end of their channels.
    for (const { tasks } of this.#workers) tasks[Symbol.dispose]();
    await supervisor.finished;
  }

  async #list(paths: AsyncIterable<string>): Promise<void> {
    for await (const path of paths) {
      this.#tasks.add(path);
      this.#dispatch();
    }
    this.#listIsComplete = true;
    this.#dispatch();
  }

  #dispatch(): void {
    for (let worker = this.#leastBusy(); worker !== undefined; worker = this.#leastBusy()) {
      const task = this.#tasks.take();
      if (task === undefined) break;
      worker.outstanding.set(task.id, task);
      // If the worker has died, its answers end, and all of its tasks are taken back then.
      void worker.tasks.put({ id: task.id, path: task.path });
    }
    if (this.#listIsComplete && this.#done === this.#tasks.total) this.#settle.resolve();
  }

  #leastBusy(): Worker | undefined {
    let best: Worker | undefined;
    for (const worker of this.#workers) {
      if (worker.isKilled || worker.outstanding.size >= WINDOW) continue;
      if (best === undefined || worker.outstanding.size < best.outstanding.size) best = worker;
    }
    return best;
  }

  async #follow(worker: Worker): Promise<void> {
    try {
      for await (const answer of worker.tasks) this.#take(answer, worker);
    } catch (error) {
      // A worker that dies may leave half a message. After a DecodeError no retry helps.
      if (error instanceof DecodeError) this.#settle.reject(error);
    }
    if (this.#options.web && (await endedByHand(worker))) worker.isKilled = true;
    this.#takeBack(worker);
  }

  #take(answer: Answer, worker: Worker): void {
    const task = worker.outstanding.get(answer.id);
    if (task === undefined) return;
    worker.outstanding.delete(answer.id);
    worker.hasAnswered = true;
    this.#done++;
    if ('report' in answer) this.#events.report(answer.report);
    else this.#events.skipped(task.path, answer.skipped);
    this.#dispatch();
    this.#causeChaos();
  }

  /** Other workers do what a dead worker left undone. It died at the first of its tasks. */
  #takeBack(worker: Worker): void {
    this.#workers.delete(worker);
    worker.tasks[Symbol.dispose]();
    const undone = [...worker.outstanding.values()];
    const [first] = undone;
    if (first !== undefined && !worker.isKilled && ++first.crashes >= MAX_CRASHES) {
      undone.shift();
      this.#done++;
      this.#events.skipped(first.path, `${String(MAX_CRASHES)} workers died at it`);
    }
    this.#tasks.putBack(undone);
    this.#dispatch();
  }

  async #followProgress(end: ReadEnd): Promise<void> {
    await using lines = end.open();
    for await (const bytes of lines.lines()) this.#events.progress(Number(bytes));
  }

  /** Kills a worker that has work. */
  #causeChaos(): void {
    if (!this.#listIsComplete || !this.#chaos.isDue(this.#tasks.total - this.#done)) return;
    const isAtWork = ({ hasAnswered, isKilled, outstanding }: Worker) =>
      hasAnswered && !isKilled && outstanding.size > 0;
    const victim = anyOf([...this.#workers].filter(isAtWork));
    if (victim?.process?.kill('SIGKILL') !== true) return;
    victim.isKilled = true;
    this.#chaos.kills++;
  }

  get kills(): number {
    return this.#chaos.kills;
  }

  /** How many workers run. */
  get running(): number {
    return this.#workers.size;
  }

  /** Only machines have shares: a worker's name says nothing. */
  get shares(): readonly [] {
    return [];
  }
}

/** Whether a signal that the page sends has ended the worker: the person meant the worker, and its file is not to blame. */
async function endedByHand({ process }: Worker): Promise<boolean> {
  // It rejects if the worker has ended before it could begin.
  await process?.join().catch(() => undefined);
  return process?.signalCode === 'SIGKILL' || process?.signalCode === 'SIGTERM';
}
