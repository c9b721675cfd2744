import { close, write } from 'node:fs';
import { promisify } from 'node:util';
import {
  ClosedError,
  type DuplexEnd,
  type FileTarget,
  type PipeWriter,
  type StdoutOption,
  type WriteEnd,
} from '@aiopipe/core';
import { closedHandle, fileError, handled, isEnd, isFileHandle, openFile, writingFlags } from '@aiopipe/core/internal';
import { ifRead } from './feed.js';

/**
 * A target of output. An end moves; a FileHandle stays yours, and its offset is shared.
 *
 * @example
 * ```ts
 * import { pipeline } from '@aiopipe/subprocess';
 *
 * await pipeline(['echo', 'hello'], ['tr', 'h', 'j']).run({ output: 'inherit' });
 * await pipeline(['echo', 'hello']).run({ output: { file: '/dev/null', append: true } });
 * ```
 * ```text
 * jello
 * ```
 */
export type OutputOption = Exclude<StdoutOption, 'pipe'>;

/** Writes bytes to the target. */
export interface Sink {
  /** Resolves with false if the reader has closed. Rejects with a SystemError that names the sink. */
  write(bytes: Buffer): Promise<boolean>;
  /** To be called after the last write. Rejects as `write()` does. */
  close(): Promise<void>;
  /** Drops unwritten bytes. May be called at any time. */
  destroy(): void;
}

/** @param what - names the sink in messages: `stdout of parse` */
export function openSink(output: OutputOption, what: string): Sink {
  if (isEnd(output)) return endSink(output as WriteEnd | DuplexEnd);
  if (output === 'inherit') return stdoutSink(what);
  if (output === 'ignore') return NOWHERE;
  if (isFileHandle(output)) {
    return fileSink(
      async (bytes, offset) => (await output.write(bytes, offset)).bytesWritten,
      () => Promise.resolve(),
      (error) => (output.fd < 0 ? closedHandle(what, error) : fileError(error, 'write', `cannot write ${what}`)),
    );
  }
  const target = output as FileTarget;
  const fd = openFile(target.file, writingFlags(target), what);
  const about = `cannot write ${what} to ${JSON.stringify(target.file)}`;
  return fileSink(
    async (bytes, offset) => (await writeFd(fd, bytes, offset)).bytesWritten,
    () => closeFd(fd),
    (error) => fileError(error, 'write', about, target.file),
  );
}

const writeFd = promisify(write);
const closeFd = promisify(close);

function endSink(end: WriteEnd | DuplexEnd): Sink {
  const stream = end.open();
  const writer: PipeWriter = 'writer' in stream ? stream.writer : stream;
  return {
    write: (bytes) => ifRead(writer.write(bytes)),
    close: async () => {
      await ifRead(writer.close());
      end[Symbol.dispose]();
    },
    destroy: () => {
      end[Symbol.dispose]();
    },
  };
}

/** @param explain - makes our error of what a call rejects with */
function fileSink(
  writeSome: (bytes: Buffer, offset: number) => Promise<number>,
  closeOnce: () => Promise<void>,
  explain: (error: unknown) => unknown,
): Sink {
  let written: Promise<unknown> = Promise.resolve();
  let isOpen = true;
  const writeAll = async (bytes: Buffer) => {
    try {
      for (let offset = 0; offset < bytes.length && isOpen;) offset += await writeSome(bytes, offset);
    } catch (error) {
      throw explain(error);
    }
    return true;
  };
  const closeFile = async () => {
    if (!isOpen) return;
    isOpen = false;
    // The number must not become another file's while a write uses it.
    await written.catch(() => undefined);
    await closeOnce().catch((error: unknown) => Promise.reject(explain(error) as Error));
  };
  return {
    write: (bytes) => {
      const done = writeAll(bytes);
      written = done;
      return done;
    },
    close: closeFile,
    destroy: () => {
      void handled(closeFile());
    },
  };
}

function stdoutSink(what: string): Sink {
  return {
    ...NOWHERE,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        process.stdout.write(bytes, (error) => {
          if (error === null || error === undefined) {
            resolve(true);
            return;
          }
          // The stream emits the error as well. Without a listener that would be an uncaught exception.
          if (process.stdout.listenerCount('error') === 0) process.stdout.once('error', () => undefined);
          if ((error as NodeJS.ErrnoException).code === 'EPIPE') resolve(false);
          else reject(stdoutError(error, what));
        });
      }),
  };
}

/** Of the system, or of the stream: it may have been ended or destroyed. */
function stdoutError(cause: Error, what: string): Error {
  const error = fileError(cause, 'write', `cannot write ${what}`) as Error;
  return error === cause ? new ClosedError(`${what}: process.stdout cannot be written to any more`, { cause }) : error;
}

const NOWHERE: Sink = {
  write: () => Promise.resolve(true),
  close: () => Promise.resolve(),
  destroy: () => undefined,
};
