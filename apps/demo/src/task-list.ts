import { type FileTask } from './messages.js';

/** A file to look at. */
export interface Task extends FileTask {
  /** Workers that died at it. */
  crashes: number;
}

/** The tasks that wait for a worker, in the order of the list. Tasks that were put back come first. */
export class TaskList {
  readonly #tasks: Task[] = [];
  #taken = 0;
  #returned: Task[] = [];

  add(path: string): void {
    this.#tasks.push({ id: this.#tasks.length, path, crashes: 0 });
  }

  /** The number of tasks, done or not. */
  get total(): number {
    return this.#tasks.length;
  }

  take(): Task | undefined {
    const returned = this.#returned.shift();
    if (returned !== undefined) return returned;
    const task = this.#tasks[this.#taken];
    if (task !== undefined) this.#taken++;
    return task;
  }

  putBack(tasks: readonly Task[]): void {
    this.#returned = [...tasks, ...this.#returned];
  }
}
