import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type Channel } from '@aiopipe/codec';
import { type WriteEnd } from '@aiopipe/core';
import { target } from '@aiopipe/process';
import { FileReport } from './file-report.js';
import { LineScanner } from './line-scanner.js';
import { type Answer, type FileTask } from './messages.js';
import { compilePattern } from './pattern.js';

/** Bytes between two reports of progress. */
const TELL_BYTES = 4 * 1024 * 1024;

const block = Buffer.allocUnsafe(1024 * 1024);

/**
 * Looks at files while there are tasks. Tasks come over a channel. Over a plain pipe it writes, line by line, how many bytes
 * it has read since the line before.
 */
export const censusWorker = target(
  import.meta.url,
  'censusWorker',
  async (tasks: Channel<Answer, FileTask>, progressEnd: WriteEnd, patternSource: string): Promise<void> => {
    const pattern = compilePattern(patternSource);
    await using progress = progressEnd.open();
    let untold = 0;
    const onRead = async (bytes: number): Promise<void> => {
      untold += bytes;
      if (untold < TELL_BYTES) return;
      void progress.write(`${String(untold)}\n`);
      untold = 0;
      // Now, not at the end of a large file.
      await progress.drain();
    };
    for await (const { id, path } of tasks) {
      const found = await examine(path, pattern, onRead);
      await tasks.put(typeof found === 'string' ? { id, skipped: found } : { id, report: found });
    }
    void progress.write(`${String(untold)}\n`);
  },
);

/** Returns the report, or the reason why there is none. */
async function examine(
  path: string,
  pattern: RegExp,
  onRead: (bytes: number) => Promise<void>,
): Promise<FileReport | string> {
  let fd: number | undefined;
  try {
    // The name may be something else by now: do not follow a link, and do not wait for a FIFO.
    fd = openSync(Buffer.from(path, 'latin1'), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!fstatSync(fd).isFile()) return 'not a file any more';
    const hash = createHash('sha1');
    const scanner = new LineScanner(pattern);
    let bytes = 0;
    for (let count = readSync(fd, block); count > 0; count = readSync(fd, block)) {
      const piece = block.subarray(0, count);
      hash.update(piece);
      scanner.push(piece);
      bytes += count;
      await onRead(count);
    }
    scanner.end();
    return new FileReport(path, bytes, scanner.lines, scanner.matches, hash.digest('hex'));
  } catch (error) {
    return reasonOf(error as Error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function reasonOf(error: Error): string {
  // V8's longest string has 512 MiB. A pattern that backtracks much ends earlier, at the end of the stack.
  if (error instanceof RangeError) return 'a line is too long for the pattern';
  // `EACCES: permission denied, open 'name'`
  return error.message.split(', ', 1)[0] as string;
}
