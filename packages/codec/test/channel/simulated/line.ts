/** How a call ended. */
export type Outcome = { readonly value: unknown } | { readonly code: string; readonly error: Error };

/** A message that was put, and what its caller heard. */
export interface Put {
  readonly n: number;
  /** The handle was closed, or had moved, when it was called. */
  readonly isLate: boolean;
  readonly isAbortable: boolean;
  readonly controller: AbortController;
  outcome?: Outcome;
  /** The handle was disposed of, not closed, since. */
  wasDisposed: boolean;
}

/** A call for a message, and what it got. */
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
  /** The number of the end that the handle is of. */
  readonly end?: number;
}

/** One direction of a channel: the model of what it must do. */
export class Line {
  readonly puts: Put[] = [];
  readonly gets: Get[] = [];
  /** An end was disposed of or lost, or the system failed: what was not acknowledged may not come. */
  isCut = false;
  /** The reader was closed before the last message. */
  isUnread = false;
  /** Its reader has taken all that came, until nothing was left to come. */
  isRead = false;

  constructor(readonly id: number) {}

  /** Throws unless every message that must come has come once, whole and in order, and every call heard what it should. */
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

  /** What lies between two messages that came was not sent. */
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

/** Its sender heard that the kernel has it. */
const isSent = ({ outcome }: Put): boolean => outcome !== undefined && 'value' in outcome;

const isRefused = ({ outcome, isLate }: Put): boolean =>
  outcome !== undefined &&
  'code' in outcome &&
  (isLate || ['ERR_AIOPIPE_QUEUE_FULL', 'ERR_AIOPIPE_BUSY', 'ERR_AIOPIPE_MOVED'].includes(outcome.code));

/** Also a message whose sender stopped waiting is sent. */
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
