import { type Lane, type Owner } from './lane.js';
import { isBefore, Queue } from './queue.js';
import { type Task } from './task.js';

/** Keys that are remembered. Of those without tasks, the ones that were not used for longest are forgotten. */
const MOST_KEYS = 65_536;
/** Keys with tasks that are passed over in the search for one to forget. If there are more of them, more keys are remembered. */
const MOST_LOOKS = 16;

/** The tasks that wait: those that any worker can do, and for each worker those whose keys it has. */
export class Backlog {
  readonly #open = new Queue<Task>();
  /** By their keys, the one that was used last at the end. */
  readonly #lanes = new Map<string | number, Lane<Task>>();
  #bound = 0;

  /** How many tasks wait. */
  get length(): number {
    return this.#open.length + this.#bound;
  }

  /** How many of them wait for a certain worker, which has their keys. */
  get bound(): number {
    return this.#bound;
  }

  /** The first task that any worker can do. */
  get first(): Task | undefined {
    return this.#open.first;
  }

  /** The first task that this worker can do. */
  firstFor(owner: Owner<Task>): Task | undefined {
    const { first } = this.#open;
    if (this.#bound === 0) return first;
    const own = owner.first;
    return own === undefined || (first !== undefined && isBefore(first, own)) ? first : own;
  }

  /** Adds a new task. */
  push(task: Task): void {
    if (task.key !== undefined) this.#enter(task, task.key);
    this.#queueOf(task).push(task);
  }

  #enter(task: Task, key: string | number): void {
    const lane = this.#lanes.get(key) ?? { owner: undefined, waiting: new Set(), unsettled: 0 };
    lane.unsettled++;
    this.#lanes.delete(key);
    this.#lanes.set(key, lane);
    task.lane = lane;
    this.#startsToWait(task);
    if (this.#lanes.size > MOST_KEYS) this.#forgetOne();
  }

  #forgetOne(): void {
    let looks = MOST_LOOKS;
    for (const [key, lane] of this.#lanes) {
      this.#lanes.delete(key);
      if (lane.unsettled === 0) {
        lane.owner?.lanes.delete(lane);
        return;
      }
      this.#lanes.set(key, lane);
      if (--looks === 0) return;
    }
  }

  /** Puts a task back to its place. */
  putBack(task: Task): void {
    this.#startsToWait(task);
    this.#queueOf(task).putBack(task);
  }

  #startsToWait(task: Task): void {
    const { lane } = task;
    if (lane === undefined) return;
    lane.waiting.add(task);
    if (lane.owner !== undefined) this.#bound++;
  }

  #queueOf({ lane }: Task): Queue<Task> {
    return lane?.owner?.queue ?? this.#open;
  }

  /** Removes a task that waits. */
  remove(task: Task): void {
    this.#queueOf(task).remove(task);
    const { lane } = task;
    if (lane === undefined) return;
    lane.waiting.delete(task);
    if (lane.owner !== undefined) this.#bound--;
  }

  /** Removes a task that a worker is about to get. This worker gets all tasks of the same key from now on. */
  take(task: Task, owner: Owner<Task>): void {
    this.remove(task);
    const { lane } = task;
    if (lane === undefined || lane.owner === owner) return;
    const others = inOrder(lane.waiting);
    for (const other of others) this.#open.remove(other);
    lane.owner = owner;
    owner.lanes.add(lane);
    owner.queue.merge(others);
    this.#bound += others.length;
  }

  /** A worker gets no more tasks: any worker can do those whose keys it had. */
  release({ lanes, queue }: Owner<Task>): void {
    for (const lane of lanes) lane.owner = undefined;
    lanes.clear();
    this.#bound -= queue.length;
    this.#open.merge(inOrder(emptied(queue)));
  }

  /** Removes all tasks, and returns them in the order of their calls. */
  removeAll(): Task[] {
    for (const { owner } of this.#lanes.values()) if (owner !== undefined) this.release(owner);
    for (const { waiting } of this.#lanes.values()) waiting.clear();
    return inOrder(emptied(this.#open));
  }
}

function inOrder(tasks: Iterable<Task>): Task[] {
  return [...tasks].sort((one, other) => one.order - other.order);
}

function* emptied(queue: Queue<Task>): Generator<Task> {
  for (let task = queue.shift(); task !== undefined; task = queue.shift()) yield task;
}
