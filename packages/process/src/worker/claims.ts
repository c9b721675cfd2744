import { aiopipe, SystemError, type ReadEnd, type WriteEnd } from '@aiopipe/core';
import { EAGAIN, native } from '@aiopipe/core/internal';

/** Bytes of a task's number. A pipe reads and writes so few in one piece: pipe(7). */
export const NUMBER_LENGTH = 4;
/** More numbers than are ever in the pipe at once, unless the worker has put some there. */
const MOST = 64;

const CLAIMS = 'the claims pipe of a pool';

/**
 * Tells which side has a task that was sent to a worker: its number stands in a pipe that both sides read, and the side that
 * reads it has the task. So tasks can be sent ahead of time, and taken back while the worker is too busy to be asked. When a
 * worker dies, the pool knows which tasks it had not begun.
 *
 * The worker can open the pipe's other side through /proc, and fill it. So no call of the pool's waits for the pipe: the
 * pool's two ends are open file descriptions that the worker has no descriptor of, and it cannot make them block. On a system
 * without /proc the worker shares the pool's description to read from, so its mode is set before each read.
 */
export class Claims {
  /** The worker's end, to be moved to it. */
  readonly theirs: ReadEnd;
  readonly #writer: WriteEnd;
  readonly #reader: number;
  readonly #isShared: boolean;
  readonly #numbers = Buffer.alloc(MOST * NUMBER_LENGTH);

  constructor() {
    const [reader, writer] = aiopipe();
    try {
      for (const { fd } of [reader, writer]) setNonblocking(fd);
      this.#reader = native().duplicate(reader.fd);
      if (this.#reader < 0) throw new SystemError(this.#reader, 'fcntl', CLAIMS);
      this.#isShared = native().reopenNonblocking(this.#reader, 0) < 0;
    } catch (error) {
      reader.close();
      writer.close();
      throw error;
    }
    this.theirs = reader;
    this.#writer = writer;
  }

  /**
   * Puts the number of a task into the pipe: call it before the task is sent. Throws SystemError. EAGAIN means that the worker
   * has filled the pipe, for the pool never puts in more than a few.
   */
  offer(number: number): void {
    this.#numbers.writeUInt32LE(number);
    const result = native().write(this.#writer.fd, this.#numbers, 0, NUMBER_LENGTH, false);
    if (result < 0) throw new SystemError(result, 'write', CLAIMS);
  }

  /** Returns the numbers of all tasks that the worker has not begun, and now will not begin. */
  takeBack(): Set<number> {
    if (this.#isShared) setNonblocking(this.#reader);
    // An interrupted call looks like an empty pipe: try twice.
    const length = readNow(this.#reader, this.#numbers) || readNow(this.#reader, this.#numbers);
    const numbers = new Set<number>();
    for (let at = 0; at < length; at += NUMBER_LENGTH) numbers.add(this.#numbers.readUInt32LE(at));
    return numbers;
  }

  close(): void {
    native().close(this.#reader);
    this.#writer.close();
    if (this.theirs.state === 'owned') this.theirs.close();
  }
}

function setNonblocking(fd: number): void {
  const result = native().setNonblocking(fd, 1);
  if (result < 0) throw new SystemError(result, 'fcntl', CLAIMS);
}

/** Returns how many bytes were read; 0 if there are none now. */
export function readNow(fd: number, buffer: Buffer): number {
  const result = native().read(fd, buffer, 0, buffer.length, false);
  if (result >= 0) return result;
  if (result === EAGAIN) return 0;
  throw new SystemError(result, 'read', CLAIMS);
}
