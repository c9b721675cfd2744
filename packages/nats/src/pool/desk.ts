import { ClosedError } from '@aiopipe/core';
import { createInbox, headers, nuid, type Msg, type Subscription } from '@nats-io/transport-node';
import { type Engine } from '../engine/engine.js';
import { HEADER } from '../engine/headers.js';
import { type Names } from '../names.js';
import { encodeControl } from '../task/control.js';
import { isAnswerKind } from '../task/answers.js';
import { type WaitingTask } from './outcome.js';

/** The targets that this process has asked for, by name and version. */
interface Wanted {
  readonly target: string;
  readonly version: string;
}

/** The callers' side of a cluster: one inbox for the answers to all tasks of this process. */
export class Desk {
  readonly inbox = createInbox();
  readonly #engine: Engine;
  readonly #names: Names;
  readonly #tasks = new Map<string, WaitingTask>();
  readonly #wanted = new Map<string, Wanted>();
  readonly #subscriptions: Subscription[] = [];
  #isOpen = false;

  constructor(engine: Engine, names: Names) {
    this.#engine = engine;
    this.#names = names;
  }

  /** Says to all machines which target this process wants: one that has another version of it says so by an event. */
  want(wanted: Wanted): void {
    this.#open();
    this.#wanted.set(`${wanted.target} ${wanted.version}`, wanted);
    this.#say(wanted);
  }

  #say(wanted: Wanted): void {
    if (!this.#engine.isClosed)
      this.#engine.nc.publish(this.#names.machines, encodeControl({ type: 'wanted', ...wanted }));
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
          if (error === null) for (const wanted of this.#wanted.values()) this.#say(wanted);
        },
      }),
    );
  }

  /** Takes a task in, and returns its id. */
  open(task: WaitingTask): string {
    const id = nuid.next();
    this.#tasks.set(id, task);
    return id;
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
    const task = this.#tasks.get(id);
    const header = (name: string) => message.headers?.get(name) || undefined;
    const kind = header(HEADER.kind);
    const isTaken =
      task !== undefined &&
      isAnswerKind(kind) &&
      task.take({
        kind,
        data: message.data,
        object: header(HEADER.object),
        machine: decoded(header(HEADER.machine)),
        attempt: header(HEADER.attempt) ?? '',
        item: Number(header(HEADER.item) ?? 0),
        credits: header(HEADER.credits),
      });
    if (isTaken) {
      message.respond();
      return;
    }
    const fields = headers();
    fields.set(HEADER.gone, '1');
    message.respond(undefined, { headers: fields });
  }

  /** Tasks that are not settled reject with ClosedError. */
  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    for (const [id, task] of this.#tasks) {
      this.cancel(id);
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
