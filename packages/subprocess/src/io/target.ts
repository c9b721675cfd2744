import { close, write } from 'node:fs';
import { promisify } from 'node:util';
import { type DuplexEnd, type FileTarget, type PipeWriter, type StdoutOption, type WriteEnd } from '@aiopipe/core';
import { closedHandle, fileError, isEnd, isFileHandle, openFile, writingFlags } from '@aiopipe/core/internal';
import { ifRead } from './input.js';

/** Where bytes go that are not collected here. An end moves; a FileHandle stays yours, and its offset is shared. */
export type OutputOption = Exclude<StdoutOption, 'pipe'>;

/** The same, written to from here. */
export interface Target {
  /** False if nobody reads there any more. */
  write(bytes: Buffer): Promise<boolean>;
  /** After the last write. */
  close(): Promise<void>;
  /** At any time: drops what is not written. */
  destroy(): void;
}

/**
 * @param what - what it is, in the words of errors: `stdout of parse`
 */
export function openTarget(output: OutputOption, what: string): Target {
  if (isEnd(output)) return endTarget(output as WriteEnd | DuplexEnd);
  if (output === 'inherit') return standardOutput(what);
  if (output === 'ignore') return nowhere;
  if (isFileHandle(output)) {
    return fileTarget(
      async (bytes, offset) => (await output.write(bytes, offset)).bytesWritten,
      () => Promise.resolve(),
      (error) => (output.fd < 0 ? closedHandle(what, error) : fileError(error, 'write', `cannot write ${what}`)),
    );
  }
  const target = output as FileTarget;
  const fd = openFile(target.file, writingFlags(target), what);
  return fileTarget(
    async (bytes, offset) => (await writeFd(fd, bytes, offset)).bytesWritten,
    () => closeFd(fd),
    (error) => fileError(error, 'write', `cannot write ${what} to ${JSON.stringify(target.file)}`, target.file),
  );
}

const writeFd = promisify(write);
const closeFd = promisify(close);

function endTarget(end: WriteEnd | DuplexEnd): Target {
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

function fileTarget(
  writeSome: (bytes: Buffer, offset: number) => Promise<number>,
  closeOnce: () => Promise<void>,
  explain: (error: unknown) => unknown,
): Target {
  let written: Promise<unknown> = Promise.resolve();
  let isOpen = true;
  const closeFile = async () => {
    if (!isOpen) return;
    isOpen = false;
    // A number that a write is still using must not become another file's.
    await written.catch(() => undefined);
    await closeOnce().catch((error: unknown) => Promise.reject(explain(error) as Error));
  };
  return {
    write: (bytes) => {
      const all = async () => {
        try {
          for (let offset = 0; offset < bytes.length && isOpen;) offset += await writeSome(bytes, offset);
        } catch (error) {
          throw explain(error);
        }
        return true;
      };
      const done = all();
      written = done;
      return done;
    },
    close: closeFile,
    destroy: () => {
      closeFile().catch(() => undefined);
    },
  };
}

const standardOutput = (what: string): Target => ({
  write: (bytes) =>
    new Promise((resolve, reject) => {
      process.stdout.write(bytes, (error) => {
        if (error === null || error === undefined) {
          resolve(true);
          return;
        }
        // The stream emits it as well, which nobody may listen to: an uncaught exception, where this is an answer.
        if (process.stdout.listenerCount('error') === 0) process.stdout.once('error', () => undefined);
        if ((error as NodeJS.ErrnoException).code === 'EPIPE') resolve(false);
        else reject(fileError(error, 'write', `cannot write ${what}`) as Error);
      });
    }),
  close: () => Promise.resolve(),
  destroy: () => undefined,
});

const nowhere: Target = {
  write: () => Promise.resolve(true),
  close: () => Promise.resolve(),
  destroy: () => undefined,
};
