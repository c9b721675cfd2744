import { closeSync, constants, openSync } from 'node:fs';
import { aiopipe, SystemError, type ReadEnd, type WriteEnd } from '@aiopipe/core';
import { EAGAIN, native } from '@aiopipe/core/internal';

/** Bytes of a task's number. So few are read and written in one piece: pipe(7). */
export const NUMBER_LENGTH = 4;
/** More than there are ever in the pipe at once, unless the worker has put some there. */
const MOST = 64;

const CLAIMS = 'the pipe of a pool’s claims';

/**
 * Who has a task that was sent to a worker: its number stands in a pipe that both sides read, and whoever takes it from
 * there has the task. So a worker can be sent tasks ahead of time, and they can be taken back while it is too busy to be
 * asked; and when it dies, what it hadn't begun is known.
 *
 * The worker can open the pipe's other side through /proc, and fill it. So no call of ours waits for the pipe: our two
 * ends are of open file descriptions that the worker has no descriptor of, and it can't make them block.
 */
export class Claims {
  /** The worker's, to be moved to it. */
  readonly theirs: ReadEnd;
  readonly #writer: WriteEnd;
  readonly #reader: number;
  readonly #numbers = Buffer.alloc(MOST * NUMBER_LENGTH);

  constructor() {
    const [reader, writer] = aiopipe();
    try {
      for (const { fd } of [reader, writer]) {
        // Of the description; the reader's is the worker's, too.
        const result = native().setNonblocking(fd, 1);
        if (result < 0) throw new SystemError(result, 'fcntl', CLAIMS);
      }
      this.#reader = openSync(`/dev/fd/${String(reader.fd)}`, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      reader.close();
      writer.close();
      throw error;
    }
    this.theirs = reader;
    this.#writer = writer;
  }

  /**
   * Of a task that is about to be sent: it must be here before the worker has that. Throws SystemError; EAGAIN means that
   * the worker has filled the pipe, for we never put in more than a few.
   */
  offer(number: number): void {
    this.#numbers.writeUInt32LE(number);
    const result = native().write(this.#writer.fd, this.#numbers, 0, NUMBER_LENGTH, false);
    if (result < 0) throw new SystemError(result, 'write', CLAIMS);
  }

  /** The numbers of all tasks that the worker has not begun. It won't, then. */
  takeBack(): Set<number> {
    // Nothing there, twice: once may be a call that was interrupted.
    const length = readNow(this.#reader, this.#numbers) || readNow(this.#reader, this.#numbers);
    const numbers = new Set<number>();
    for (let at = 0; at < length; at += NUMBER_LENGTH) numbers.add(this.#numbers.readUInt32LE(at));
    return numbers;
  }

  close(): void {
    closeSync(this.#reader);
    this.#writer.close();
    if (this.theirs.state === 'owned') this.theirs.close();
  }
}

/** Bytes read; 0 where there are none now. */
export function readNow(fd: number, buffer: Buffer): number {
  const result = native().read(fd, buffer, 0, buffer.length, false);
  if (result >= 0) return result;
  if (result === EAGAIN) return 0;
  throw new SystemError(result, 'read', CLAIMS);
}
