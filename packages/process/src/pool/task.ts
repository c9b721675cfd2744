import { type SystemError } from '@aiopipe/core';
import { injectContext, now } from '@aiopipe/core/internal';
import { type ChildError } from '../errors.js';
import { type TaskKind } from '../worker/protocol.js';
import { type Lane } from './lane.js';
import { type Queued } from './queue.js';
import { type PoolTarget } from './targets.js';
import { type TaskSettings } from './task-settings.js';
import { type TaskTrace } from './task-events.js';

/** Values that `canGoAhead` looks at, at most. */
const FEW = 64;

function holdsNoHandle(args: readonly unknown[]): boolean {
  try {
    return isFewValues(args);
  } catch {
    // A getter or a trap of a Proxy throws. It throws again when the arguments are sent, and the caller hears of it.
    return false;
  }
}

/** Whether these are a few plain values. */
function isFewValues(args: readonly unknown[]): boolean {
  const values = [...args];
  for (let seen = 0; values.length > 0; seen++) {
    const value = values.pop();
    if (seen === FEW) return false;
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) continue;
    const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
    if (!isPlain) return false;
    if (Array.isArray(value) && value.length > FEW) return false;
    const inner: unknown[] = Object.values(value);
    if (inner.length > FEW) return false;
    values.push(...inner);
  }
  return true;
}

/** Tasks of all pools. */
let taskCount = 0;

/** One task, from the call until the caller knows the outcome. Its states are set by the scheduler and its parts. */
export abstract class Task implements Queued<Task> {
  abstract readonly kind: TaskKind;
  readonly target: PoolTarget;
  readonly args: readonly unknown[];
  readonly priority: number;
  readonly key: string | number | undefined;
  before: Task | undefined = undefined;
  after: Task | undefined = undefined;
  place = -1;
  /** Set by the backlog, if the task has a key. */
  lane: Lane<Task> | undefined = undefined;
  retriesLeft: number;
  /** A worker has it. It waits in the queue otherwise, until it is settled. */
  isGiven = false;
  /** The caller no longer waits. A worker may still be at it. */
  isSettled = false;
  /** How the worker ended that was lost with it last. */
  loss: ChildError | SystemError | undefined = undefined;
  /** How often it was taken back from a worker that had not begun it. */
  takenBack = 0;
  /** The number by which its worker knows it. */
  number = 0;
  readonly calledAt = now();
  /** The context of its call, for the worker. */
  readonly context = injectContext();
  /** Undefined if nothing observes tasks. */
  readonly trace: TaskTrace | undefined;
  readonly order = taskCount++;

  #canGoAhead: boolean | undefined;

  constructor(
    target: PoolTarget,
    args: readonly unknown[],
    { retries, priority, key }: TaskSettings,
    trace: TaskTrace | undefined,
  ) {
    this.trace = trace;
    this.target = target;
    this.args = args;
    this.priority = priority;
    this.key = key;
    this.retriesLeft = retries;
  }

  /** Whether it could be taken back from a worker: if it holds no handles, which move. Found for small plain values only. */
  get canGoAhead(): boolean {
    return (this.#canGoAhead ??= holdsNoHandle(this.args));
  }

  /** Whether a worker has it, or has ended with it. */
  get wasGiven(): boolean {
    return this.isGiven || this.loss !== undefined;
  }

  /** Whether it can be run again without the caller seeing anything twice. */
  abstract get canRepeat(): boolean;
  abstract resolve(value: unknown): void;
  abstract reject(error: unknown, isRemote: boolean): void;

  /** An item came. If this returns a promise, its worker must not be read before that resolves. */
  offer(_item: unknown): Promise<void> | undefined {
    return undefined; // only a stream has items
  }

  /** The caller no longer waits. Drops what still comes. */
  abandon(): void {
    // Only a stream has something to drop.
  }

  /** The worker is done with it, or has ended. */
  workerLeft(): void {
    // Only a stream waits for that.
  }
}
