/** How a call ended. */
export type Outcome = { readonly value: unknown } | { readonly code: string; readonly error: Error };

/** A message that was put, and how its put ended. */
export interface Put {
  readonly n: number;
  /** Whether the handle was closed, or had moved, before the call. */
  readonly isLate: boolean;
  readonly isAbortable: boolean;
  readonly controller: AbortController;
  outcome?: Outcome;
  /** Whether the handle was disposed of after the call, not closed. */
  wasDisposed: boolean;
}

/** A call for a message, and its result. */
export interface Get {
  readonly isLate: boolean;
  readonly timeout: number | undefined;
  readonly controller: AbortController;
  outcome?: Outcome;
  wasDisposed: boolean;
}

export interface Message {
  readonly line: number;
  readonly n: number;
  readonly body: Buffer | string;
  readonly handle?: unknown;
  /** The number of the handle's end. */
  readonly end?: number;
}

/** One direction of a channel: the model of what it must do. */
export class Line {
  readonly puts: Put[] = [];
  readonly gets: Get[] = [];
  /** Whether an end was disposed of or lost, or the system failed: messages that were not acknowledged may not come. */
  isCut = false;
  /** Whether the reader was closed before the last message. */
  isUnread = false;
  /** Whether its reader has taken every message to the end. */
  isRead = false;

  constructor(readonly id: number) {}

  /** Throws unless every message that must come has come once, whole and in order, and every call has the right result. */
  judge(): void {
    for (const [i, put] of this.puts.entries()) this.#check(this.#isRightPut(put), `put ${String(i)}`, put);
    for (const [i, get] of this.gets.entries()) this.#check(this.#isRightGet(get), `get ${String(i)}`, get);
    const came = this.gets.flatMap(({ outcome }) =>
      outcome !== undefined && 'value' in outcome ? [(outcome.value as Message).n] : [],
    );
    for (const [i, n] of came.entries()) {
      const before = i === 0 ? -1 : (came[i - 1] as number);
      if (n <= before) this.#fail(`message ${String(n)} came after ${String(before)}`);
      this.#judgeGap(before, n);
    }
    const last = came.at(-1) ?? -1;
    const rest = this.puts.slice(last + 1);
    if (!this.isRead) return;
    const lost = rest.find((put) => (this.isCut ? isSent(put) : mustCome(put)));
    if (lost !== undefined) this.#fail(`message ${String(lost.n)} never came: ${tell(lost)}`);
  }

  /** Throws if a message that must come is missing between two that came. */
  #judgeGap(before: number, n: number): void {
    const lost = this.puts.slice(before + 1, n).find(mustCome);
    if (lost !== undefined) this.#fail(`message ${String(lost.n)} is missing before ${String(n)}: ${tell(lost)}`);
    const put = this.puts[n];
    if (put !== undefined && isRefused(put)) this.#fail(`message ${String(n)} came, and its put() was refused`);
  }

  #isRightPut({ outcome, isLate, isAbortable, controller, wasDisposed }: Put): boolean {
    if (outcome === undefined) return false;
    if ('value' in outcome) return !isLate;
    switch (outcome.code) {
      case 'ABORT_ERR':
        return controller.signal.aborted;
      case 'ERR_AIOPIPE_TIMEOUT':
        return isAbortable;
      case 'ERR_AIOPIPE_CLOSED':
        return isLate || wasDisposed;
      case 'ERR_AIOPIPE_MOVED':
        return isLate;
      case 'EPIPE':
        return this.isCut || this.isUnread;
      case 'ENOBUFS':
        return this.isCut;
      case 'ERR_AIOPIPE_QUEUE_FULL':
      case 'ERR_AIOPIPE_BUSY':
        return !isLate;
      default:
        return false;
    }
  }

  #isRightGet({ outcome, isLate, timeout, controller, wasDisposed }: Get): boolean {
    if (outcome === undefined) return false;
    if ('value' in outcome) return !isLate && isWhole(outcome.value as Message, this.id);
    switch (outcome.code) {
      case 'ABORT_ERR':
        return controller.signal.aborted;
      case 'ERR_AIOPIPE_TIMEOUT':
        return timeout !== undefined;
      case 'ERR_AIOPIPE_CLOSED':
        return isLate || wasDisposed;
      case 'ERR_AIOPIPE_MOVED':
        return isLate;
      case 'ERR_AIOPIPE_END_OF_STREAM':
        return true;
      case 'ERR_AIOPIPE_INCOMPLETE_READ':
      case 'EMFILE':
        return this.isCut;
      default:
        return false;
    }
  }

  #check(holds: boolean, about: string, call: Put | Get): void {
    if (!holds) this.#fail(`${about}: ${tell(call)}`);
  }

  #fail(what: string): never {
    throw new Error(`line ${String(this.id)}: ${what}`);
  }
}

function tell({ outcome, isLate }: Put | Get): string {
  if (outcome === undefined) return 'it was never settled';
  if ('value' in outcome) return `it resolved${isLate ? ', though its handle was closed' : ''}`;
  return `it rejected: ${String(outcome.error.stack)}`;
}

/** The sender's call has resolved: the kernel has the message. */
const isSent = ({ outcome }: Put): boolean => outcome !== undefined && 'value' in outcome;

const isRefused = ({ outcome, isLate }: Put): boolean =>
  outcome !== undefined &&
  'code' in outcome &&
  (isLate || ['ERR_AIOPIPE_QUEUE_FULL', 'ERR_AIOPIPE_BUSY', 'ERR_AIOPIPE_MOVED'].includes(outcome.code));

/** If the sender stops waiting, its message is still sent. */
const mustCome = (put: Put): boolean =>
  isSent(put) ||
  (put.outcome !== undefined &&
    'code' in put.outcome &&
    !isRefused(put) &&
    ['ABORT_ERR', 'ERR_AIOPIPE_TIMEOUT'].includes(put.outcome.code));

/** The bytes of message `n`. */
export function bodyOf(n: number, size: number): Buffer {
  const body = Buffer.alloc(size, n & 255);
  if (size >= 8) body.writeUInt32BE(size, size - 4);
  return body;
}

function isWhole({ line, n, body }: Message, id: number): boolean {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body;
  return (
    line === id &&
    bytes.equals(bodyOf(n, bytes.length)) &&
    (bytes.length < 8 || bytes.readUInt32BE(bytes.length - 4) === bytes.length)
  );
}
