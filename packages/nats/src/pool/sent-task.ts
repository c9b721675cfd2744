import { serialize } from '@aiopipe/codec';
import { renamePath } from '@aiopipe/codec/internal';
import { handled } from '@aiopipe/core/internal';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { type Engine } from '../engine/engine.js';
import { HEADER } from '../engine/headers.js';
import { type Bodies } from '../message/bodies.js';
import { addContext } from '../message/context.js';
import { type Names } from '../names.js';
import { type TaskKind } from '../task/answers.js';
import { type Desk } from './desk.js';
import { keyHeader, type TaskSettings } from './options.js';
import { type WaitingTask } from './outcome.js';

/** What a task that is sent needs of its pool. */
export interface SenderParts {
  readonly engine: Engine;
  readonly bodies: Bodies;
  readonly names: Names;
  readonly desk: Desk;
  readonly target: string;
  readonly version: string;
}

/** What is sent. */
interface Order {
  readonly args: readonly unknown[];
  readonly kind: TaskKind;
  readonly settings: TaskSettings;
}

/** A task on its way to a machine. It is taken back if its caller leaves. */
export class SentTask {
  /** Names the task in the events of machines. */
  readonly id: string;
  readonly #parts: SenderParts;
  readonly #fields: MsgHdrs;
  /** Its number in the stream of tasks. */
  #sequence: number | undefined;
  #isLeft = false;

  /** Sends the task. Throws EncodeError if its arguments cannot be sent. */
  constructor(parts: SenderParts, { args, kind, settings }: Order, task: WaitingTask) {
    const { desk, names, target, version } = parts;
    const { retries, priority, key } = settings;
    const bytes = serializeArgs(args);
    this.#parts = parts;
    this.id = desk.open(task, () => {
      this.leave();
    });
    const fields = headers();
    fields.set(HEADER.id, this.id);
    fields.set(HEADER.kind, kind);
    fields.set(HEADER.reply, `${desk.inbox}.${this.id}`);
    fields.set(HEADER.retries, String(retries));
    if (priority > 0) fields.set(HEADER.priority, String(priority));
    if (key !== undefined) fields.set(HEADER.key, keyHeader(key));
    addContext(fields);
    this.#fields = fields;
    void this.#send(names.task(target, version, priority > 0 ? 'first' : 'normal'), bytes, task);
  }

  /** Whether its caller has left. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  async #send(subject: string, bytes: Uint8Array, task: WaitingTask): Promise<void> {
    const { engine, bodies, desk, target } = this.#parts;
    try {
      const data = await bodies.pack(bytes, this.#fields);
      const message = { subject, data, headers: this.#fields, id: this.id };
      const stored = await engine.publish(message, `the cluster's pool of ${target}`, () => !this.#isLeft);
      this.#sequence = stored.seq;
      desk.storedTask(this.id);
      if (this.#isLeft) this.#remove();
    } catch (error) {
      this.#removeBody();
      desk.settled(this.id);
      task.fail(error as Error);
    }
  }

  /** Tells all machines that the task is not wanted any more, and takes it from the queue. */
  leave(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#parts.desk.cancel(this.id);
    this.#remove();
  }

  #remove(): void {
    const { engine, names } = this.#parts;
    if (this.#sequence === undefined || engine.isClosed) return;
    // A task that a machine has finished is gone already.
    void handled(engine.jsm.streams.deleteMessage(names.tasks, this.#sequence, false));
    this.#removeBody();
  }

  #removeBody(): void {
    this.#parts.bodies.remove(this.#fields.get(HEADER.object) || undefined);
  }
}

function serializeArgs(args: readonly unknown[]): Uint8Array {
  try {
    return serialize(args);
  } catch (error) {
    throw renamePath(error, 'value', 'args');
  }
}
