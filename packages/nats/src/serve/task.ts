import { type TaskKind } from '../task/answers.js';
import { type Delivery } from '../engine/delivery.js';
import { HEADER } from '../engine/headers.js';

/** A task as a machine gets it. */
export class ServedTask {
  readonly delivery: Delivery;
  readonly target: string;
  readonly id: string;
  readonly kind: TaskKind;
  readonly reply: string;
  readonly retries: number;
  readonly priority: number;
  readonly key: string | number | undefined;
  readonly object: string | undefined;
  readonly #controller = new AbortController();
  /** How many items of its stream were sent. */
  itemsSent = 0;
  /** Whether the caller still waits, as far as is known. */
  isWanted = true;
  /** The number of its claim, if it has one. */
  claim: number | undefined;

  private constructor(delivery: Delivery, target: string, id: string, reply: string) {
    this.delivery = delivery;
    this.target = target;
    this.id = id;
    this.reply = reply;
    this.kind = delivery.header(HEADER.kind) === 'stream' ? 'stream' : 'run';
    const retries = Number(delivery.header(HEADER.retries) ?? 0);
    this.retries = Number.isSafeInteger(retries) && retries > 0 ? retries : 0;
    const priority = Number(delivery.header(HEADER.priority) ?? 0);
    this.priority = Number.isFinite(priority) ? priority : 0;
    this.key = readKey(delivery.header(HEADER.key));
    this.object = delivery.header(HEADER.object);
  }

  /** Returns the task of a delivery; undefined if it is none. */
  static read(delivery: Delivery, target: string): ServedTask | undefined {
    const id = delivery.header(HEADER.id);
    const reply = delivery.header(HEADER.reply);
    // The id becomes a token of a subject.
    if (id === undefined || reply === undefined || !/^[A-Za-z0-9_-]{1,64}$/.test(id)) return undefined;
    return isSubject(reply) ? new ServedTask(delivery, target, id, reply) : undefined;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The caller does not wait any more. */
  cancel(reason: Error): void {
    this.isWanted = false;
    this.#controller.abort(reason);
  }

  /** Tells this attempt from others. */
  get attempt(): string {
    return `${String(this.delivery.sequence)}.${String(this.delivery.count)}`;
  }

  /** Whether it was delivered more often than its retries allow. */
  get isOverdue(): boolean {
    return this.retries > 0 && this.delivery.count > this.retries + 1;
  }
}

/** The longest subject of a caller. If a subject is longer than a line may be, the server ends the connection. */
const LONGEST_SUBJECT = 1024;

/** Whether outcomes may go to this subject: those of JetStream and of the server itself begin with `$`. */
function isSubject(subject: string): boolean {
  return subject.length <= LONGEST_SUBJECT && /^[^\s*>.$][^\s*>.]*(\.[^\s*>.]+)*$/.test(subject);
}

function readKey(header: string | undefined): string | number | undefined {
  if (header === undefined) return undefined;
  try {
    const key: unknown = JSON.parse(decodeURIComponent(header));
    return typeof key === 'string' || typeof key === 'number' ? key : undefined;
  } catch {
    return undefined;
  }
}
