import { closeSync, constants, openSync, type PathLike } from 'node:fs';
import { statPath } from '../fd/file-status.js';
import { Descriptor } from '../fd/descriptor.js';
import { AiopipeError, SystemError } from '../errors.js';
import { native, READABLE, WRITABLE } from '../fd/native.js';
import { show } from '../check/show.js';
import { openFd, orClose, type Maker, type Streams } from './open-fd.js';

/**
 * The directions of {@link AsyncFile.open}: for reading, for writing, or for both. It neither creates nor empties a file.
 *
 * @example
 * ```ts
 * import { AsyncFile } from '@aiopipe/core';
 * import { pipeline } from '@aiopipe/subprocess';
 * import { rm } from 'node:fs/promises';
 *
 * await pipeline(['mkfifo', 'orders']);
 * await using orders = await AsyncFile.open('orders', 'r+');
 * await orders.write('two lamps\n');
 * console.log(String(await orders.readLine()).trim());
 * await rm('orders');
 * ```
 * ```text
 * two lamps
 * ```
 */
export type AsyncFileFlags = 'r' | 'w' | 'r+';

const FLAGS: Record<AsyncFileFlags, number> = {
  r: constants.O_RDONLY,
  w: constants.O_WRONLY,
  'r+': constants.O_RDWR,
};

/** Opens a FIFO or a terminal by its path. If no process writes to a FIFO yet, it is at its beginning, not at its end. */
export function openPath(path: PathLike, flags: AsyncFileFlags, maker: Maker): Streams {
  const mode = FLAGS[flags] as number | undefined;
  if (mode === undefined) throw new TypeError(`flags: expected 'r', 'w' or 'r+', not ${show(flags)}`);
  const name = String(path);
  let fdOfNode: number;
  try {
    // A FIFO would block until its other side is opened. A terminal must not become the one that controls us.
    fdOfNode = openSync(path, mode | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    throw explainOpen(error as NodeJS.ErrnoException, path, name);
  }
  // In a worker thread Node closes this descriptor when the thread ends, unless node:fs closes it. So node:fs must close it.
  const fd = native().duplicate(fdOfNode);
  closeSync(fdOfNode);
  if (fd < 0) throw new SystemError(fd, 'fcntl', `${name} cannot be duplicated`);
  return orClose(fd, () => {
    try {
      return openFd(fd, maker, READABLE | WRITABLE, (...args) => new FifoDescriptor(...args), false, true);
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_AIOPIPE_NOT_POLLABLE') throw error;
      throw new AiopipeError(
        'ERR_AIOPIPE_NOT_POLLABLE',
        `${name} is always ready (a regular file or a device), so it cannot be polled; ` +
          'use node:fs for it (fs.promises.readFile, fs.createReadStream)',
        { cause: error },
      );
    }
  });
}

/**
 * If a FIFO was opened without waiting for a writer, reads report the end until a writer comes. The poll of the loop does
 * not: it reports no end before there was a writer.
 */
class FifoDescriptor extends Descriptor {
  #hadEvent = false;

  override read(bytes: Buffer, offset: number, length: number): number {
    this.#hadEvent = true;
    return super.read(bytes, offset, length);
  }

  override get mayReadNow(): boolean {
    return this.#hadEvent && super.mayReadNow;
  }
}

function explainOpen(error: NodeJS.ErrnoException, path: PathLike, name: string): Error {
  if (error.errno === undefined) return error; // an argument of the wrong type
  let about = name;
  if (error.code === 'ENXIO') {
    about += isSocketPath(path)
      ? ' is a socket: connect to it with node:net, and make an AsyncFile of the connection'
      : ' cannot be opened for writing: no process has it open for reading yet';
  }
  return new SystemError(error.errno, 'open', about, { path: name, cause: error });
}

function isSocketPath(path: PathLike): boolean {
  try {
    return statPath(path).isSocket();
  } catch {
    return false; // it is gone meanwhile
  }
}
