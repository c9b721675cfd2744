import { ClosedError } from '@aiopipe/core';
import { createInbox, headers, nuid, type Msg, type Subscription } from '@nats-io/transport-node';
import { type Engine } from '../engine/engine.js';
import { HEADER } from '../engine/headers.js';
import { ClusterError } from '../errors.js';
import { type Names } from '../names.js';
import { encodeControl } from '../task/control.js';
import { isAnswerKind } from '../task/answers.js';
import { Confirmations } from '../task/confirmations.js';
import { Recent } from '../task/recent.js';
import { CalledTarget } from './called-target.js';
import { type WaitingTask } from './outcome.js';
import { askStats } from './stats.js';

/** How many outcomes are remembered, at least: a machine that did not hear a confirmation sends its outcome again. */
const REMEMBERED = 10_000;

/** A task that is not settled. */
interface OpenTask {
  readonly task: WaitingTask;
  /** Takes it back from the queue and from machines. */
  readonly leave: () => void;
  /** Whether its stream has stored it. */
  isStored: boolean;
}

/** The callers' side of a cluster: one inbox for the answers to all tasks of this process. */
export class Desk {
  readonly inbox = createInbox();
  readonly #engine: Engine;
  readonly #names: Names;
  readonly #confirmations: Confirmations;
  readonly #tasks = new Map<string, OpenTask>();
  /** By name and version. */
  readonly #targets = new Map<string, CalledTarget>();
  readonly #subscriptions: Subscription[] = [];
  /** The outcomes that were taken, by the ids of their tasks and their attempts. */
  readonly #taken = new Recent(REMEMBERED);
  #isOpen = false;
  #isClosed = false;

  constructor(engine: Engine, names: Names) {
    this.#engine = engine;
    this.#names = names;
    this.#confirmations = new Confirmations(engine.nc);
  }

  /** The targets that this process calls. */
  get targets(): readonly CalledTarget[] {
    return [...this.#targets.values()];
  }

  /**
   * Returns the calls of a target. Says to all machines that this process wants it: one that has another version of it says so by an
   * event.
   */
  calls(target: string, version: string): CalledTarget {
    this.#open();
    const name = `${target} ${version}`;
    let calls = this.#targets.get(name);
    if (calls === undefined) {
      const asked = { engine: this.#engine, names: this.#names, target, version };
      this.#targets.set(name, (calls = new CalledTarget(target, version, (options) => askStats(asked, options))));
    }
    this.#say(calls);
    return calls;
  }

  #say({ target, version }: CalledTarget): void {
    if (this.#engine.isClosed) return;
    this.#engine.nc.publish(this.#names.machines, encodeControl({ type: 'wanted', target, version }));
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    const { nc } = this.#engine;
    this.#subscriptions.push(
      nc.subscribe(`${this.inbox}.*`, {
        callback: (error, message) => {
          if (error === null) this.#answered(message);
        },
      }),
      // A machine that has just begun asks for what it could not hear before.
      nc.subscribe(this.#names.callers, {
        callback: (error) => {
          if (error === null) for (const calls of this.#targets.values()) this.#say(calls);
        },
      }),
    );
  }

  /** Takes a task in, and returns its id. `leave` takes it back from the queue and from machines. Throws ClosedError if the cluster is closed. */
  open(task: WaitingTask, leave: () => void): string {
    if (this.#isClosed) throw new ClosedError(`the cluster ${this.#names.cluster} is closed`);
    const id = nuid.next();
    this.#tasks.set(id, { task, leave, isStored: false });
    return id;
  }

  /** The stream has stored the task. */
  storedTask(id: string): void {
    const open = this.#tasks.get(id);
    if (open !== undefined) open.isStored = true;
  }

  /** The ids of the tasks that their stream has stored, and that are not settled. */
  get stored(): readonly string[] {
    return [...this.#tasks].filter(([, { isStored }]) => isStored).map(([id]) => id);
  }

  /** The server has lost these tasks. Those that are not settled meanwhile reject with ClusterError. */
  lost(ids: readonly string[]): void {
    const message =
      "the server has lost this task: it has started again, and the cluster's messages were in memory (storage: 'memory')";
    for (const id of ids) {
      const open = this.#tasks.get(id);
      this.cancel(id);
      open?.task.fail(new ClusterError('ERR_AIOPIPE_CLUSTER', message));
    }
  }

  /** The task is settled. Later answers are not wanted. */
  settled(id: string): void {
    this.#tasks.delete(id);
  }

  /** Tells all machines that the task is not wanted any more. */
  cancel(id: string): void {
    this.settled(id);
    if (!this.#engine.isClosed) this.#engine.nc.publish(this.#names.machines, encodeControl({ type: 'cancel', id }));
  }

  #answered(message: Msg): void {
    const id = message.subject.slice(this.inbox.length + 1);
    const task = this.#tasks.get(id)?.task;
    const header = (name: string) => message.headers?.get(name) || undefined;
    const kind = header(HEADER.kind);
    const attempt = header(HEADER.attempt) ?? '';
    const isTaken =
      task !== undefined &&
      isAnswerKind(kind) &&
      task.take({
        kind,
        data: message.data,
        object: header(HEADER.object),
        machine: decoded(header(HEADER.machine)),
        attempt,
        item: Number(header(HEADER.item) ?? 0),
        credits: header(HEADER.credits),
      });
    if (isTaken && kind === 'item') {
      // The end of a stream waits until its items are confirmed.
      message.respond();
      return;
    }
    // The same outcome again is no other one. Its machine would drop the object that the caller may be reading.
    const outcome = `${id} ${attempt}`;
    if (isTaken) this.#taken.add(outcome);
    if (isTaken || this.#taken.has(outcome)) {
      this.#confirmations.add(message.reply);
      return;
    }
    const fields = headers();
    fields.set(HEADER.gone, '1');
    message.respond(undefined, { headers: fields });
  }

  /** Tasks that are not settled are taken back, and reject with ClosedError. */
  close(): void {
    this.#isClosed = true;
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#confirmations.send();
    for (const { task, leave } of this.#tasks.values()) {
      leave();
      task.fail(new ClosedError('the cluster was closed before this task was done'));
    }
  }
}

/** Returns a name that was encoded for a header; undefined for anything else. */
function decoded(header: string | undefined): string | undefined {
  try {
    return header === undefined ? undefined : decodeURIComponent(header);
  } catch {
    return undefined;
  }
}
