import { Queue, type Queued } from './queue.js';

/** The tasks of one key. */
export interface Lane<Task extends Queued<Task>> {
  /** The worker that does them; undefined before the first one, and after that worker's end. */
  owner: Owner<Task> | undefined;
  /** Those that wait for a worker. */
  readonly waiting: Set<Task>;
  /** How many are not settled. */
  unsettled: number;
}

/** What a worker has of the waiting tasks. */
export class Owner<Task extends Queued<Task>> {
  readonly lanes = new Set<Lane<Task>>();
  #queue: Queue<Task> | undefined;

  /** The tasks that wait for this worker. */
  get queue(): Queue<Task> {
    return (this.#queue ??= new Queue<Task>());
  }

  get first(): Task | undefined {
    return this.#queue?.first;
  }
}
